"""Every view of the page: what is in them, and pictures of them."""

"""Independent models, written straight from the standards, that the data plane is compared with."""

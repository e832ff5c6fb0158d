"""`/api/v1`: the administration of rooms over HTTP. `operations` is its table: routes and the OpenAPI document come from it."""

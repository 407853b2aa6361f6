"""What the services have in common: values, the bus and the object store, the frame pool, the runtime."""

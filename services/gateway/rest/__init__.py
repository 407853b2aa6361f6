"""The REST interface: a file a topic, each with its routes, over the parts of the gateway."""

"""Something that only the layer brings."""

GREETING = "from the layer"

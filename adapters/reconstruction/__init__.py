"""Hours computed again from raw replies, and held against what was recorded of them."""

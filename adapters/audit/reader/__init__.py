"""What travels with an exported log: a guide, and a verifier that shares no line with ours."""

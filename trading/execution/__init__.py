"""From what risk allows to orders at a venue."""

"""The pure heart of Ballast: values in, values out; no I/O, no clock, no environment, no unseeded chance."""

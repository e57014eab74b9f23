"""The mathematics of one network, in NumPy: every formula has one place here."""

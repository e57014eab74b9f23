"""What the papers predict of deep random networks: signal, gradient and spectra from formulas."""

"""A window onto the run, in PySide6 and pyqtgraph. It draws; it computes nothing."""

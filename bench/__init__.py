"""Measurements of the project, each against something simpler that ran beside it."""

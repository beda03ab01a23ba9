"""Kills, pauses, crashes and faults -> does every promise of the pipeline hold? Run with `make chaos-short`."""

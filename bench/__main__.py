"""`make bench` -> the measurements there are: stored against derived comparison status (ADR 1).

`make bench ARGS="--rows 20000"` takes half a minute, the default of 1,000,000 rows several.
"""

from bench import comparison_status

if __name__ == "__main__":
    comparison_status.main()

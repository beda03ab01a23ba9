"""So many of so many -> an interval that is honest for small numbers and near 0 and 1."""

Z = 1.96  # 95 %


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 %, by Wilson's formula (Journal of the American Statistical Association 22, 1927); nan of nothing."""
    if not n:
        return float("nan"), float("nan")
    middle = (hits + Z**2 / 2) / (n + Z**2)
    reach = Z / (n + Z**2) * (hits * (n - hits) / n + Z**2 / 4) ** 0.5
    return max(0.0, middle - reach), min(1.0, middle + reach)

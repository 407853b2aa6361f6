"""Expressions of PromQL that panels share."""

from __future__ import annotations


def quantiles(metric: str, by: str = "", where: str = "", at: tuple[int, ...] = (50, 95, 99)) -> dict[str, str]:
    """Percentiles of a histogram, by legend. by: labels that tell lines apart; where: a selector in braces."""
    rate = f"sum by ({f'le, {by}' if by else 'le'}) (rate({metric}_bucket{where}[$__rate_interval]))"
    told = f" {_legend(by)}" if by else ""
    return {f"p{one}{told}": f"histogram_quantile({one / 100:g}, {rate})" for one in at}


def rates(metric: str, by: str, where: str = "") -> dict[str, str]:
    """A second, by labels."""
    return {_legend(by): f"sum by ({by}) (rate({metric}{where}[$__rate_interval]))"}


def averages(metric: str, by: str, where: str = "") -> dict[str, str]:
    """Of a histogram, by labels."""
    ((legend, total),) = rates(f"{metric}_sum", by, where).items()
    ((_, count),) = rates(f"{metric}_count", by, where).items()
    return {legend: f"{total} / {count}"}


def newest(metric: str, by: str, where: str = "", how: str = "max") -> dict[str, str]:
    """A gauge, by labels. how: max where several processes say the same, sum where each says its part."""
    return {_legend(by): f"{how} by ({by}) ({metric}{where})"}


def _legend(by: str) -> str:
    return " ".join(f"{{{{{label.strip()}}}}}" for label in by.split(","))

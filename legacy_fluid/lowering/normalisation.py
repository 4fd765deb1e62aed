"""Normalisation over a batch, as the core of today wants it."""

from __future__ import annotations

from collections.abc import Callable

from .site import Site


def _batch_norm(site: Site) -> None:
    """Training needs a place to keep what the backward pass reuses; 1.8 on CPU had none."""
    if not site.op.attr("is_test") and site.output("ReserveSpace") is None:
        site.set_output("ReserveSpace", _reserve_space(site, site.output("SavedMean")))


def _batch_norm_grad(site: Site) -> None:
    if site.input("ReserveSpace") is None:
        site.set_input("ReserveSpace", _reserve_space(site, site.input("SavedMean")))


def _inplace_abn(site: Site) -> None:
    """The operator that kept one tensor for both steps is gone: normalise, then activate."""
    activation, out = site.op.attr("activation"), site.output("Y")
    site.become("batch_norm")
    if activation not in ("", "identity"):
        normalised = site.temporary(f"{out}@NORMALISED", like=out)
        site.set_output("Y", normalised)
        site.insert_after(activation, {"X": [normalised]}, {"Out": [out]}, {"alpha": site.op.attr("alpha")})
    _batch_norm(site)


def _reserve_space(site: Site, saved_mean: str | None) -> str:
    return site.temporary(f"{saved_mean}@RESERVE_SPACE", shape=[-1])


RULES: dict[str, Callable[[Site], None]] = {
    "batch_norm": _batch_norm,
    "batch_norm_grad": _batch_norm_grad,
    "inplace_abn": _inplace_abn,
}

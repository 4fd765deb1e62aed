from __future__ import annotations

from export import paddle_model as pm


def read_fluid(d):
    mf = d / "__model__" if (d / "__model__").exists() else d / "model"
    p = pm.parse_program(mf)
    feeds, fetches = pm.strip_feed_fetch(p)
    comb = [d / n for n in ("__params__", "params") if (d / n).exists()]
    scope = pm.load_parameters(p, comb[0] if comb else {n: d / n for n in pm.parameter_names(p)})
    return pm.make_model(p, feeds, fetches, scope)

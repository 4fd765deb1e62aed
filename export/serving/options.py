"""What a query asks for beside the answer itself."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Literal
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta

from export.serving.errors import unprocessable
from export.serving.images import Preparation
from fluidline.errors import closest


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The query of `/predict`."""

    model: Annotated[str | None, Meta(description="name of the model; the first one served if left out")] = None
    version: Annotated[str | None, Meta(description="its version; the first of that name if left out")] = None
    top: Annotated[int, Meta(ge=0, le=1000, description="add the likeliest so many labels, falling")] = 0
    polarity: Annotated[
        Literal["auto", "light", "dark"],
        Meta(description="the ink's colour in image files: light as in MNIST, dark as on paper, or told by the border"),
    ] = "auto"
    fit: Annotated[
        bool, Meta(description="cut the ink out of image files, scale and centre it as MNIST does: photos, drawings")
    ] = False
    raw: Annotated[
        bool,
        Meta(
            description="take image files of the model's own size as they are, light ink on dark, whatever fit and polarity say"
        ),
    ] = False
    pixels: Annotated[bool, Meta(description="add the pixels that the model was given")] = False
    timing: Annotated[bool, Meta(description="add where the time went, in milliseconds")] = False

    def preparation(self, size: tuple[int, int]) -> Preparation:
        """Return how image files are prepared for a model of a size."""
        return Preparation(self.polarity, self.fit, self.raw, size)


@lru_cache(maxsize=1024)  # queries are few and come again: reading one costs as much as parsing a request
def read_options(query: bytes) -> Options:
    """Return the options of a query string. Raises RequestError, 422, where there is no such option or value."""
    fields = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    for name in fields:
        if name not in Options.__struct_fields__:
            raise unprocessable(f"no such option: {name}", closest(name, Options.__struct_fields__).strip(" ()"))
    try:
        return msgspec.convert(fields, Options, strict=False)
    except msgspec.ValidationError as error:
        raise unprocessable(f"the query cannot be used: {error}", "see /docs for what each option takes") from error

"""Options for the visible box of a PAdES signature."""

import argparse
from pathlib import Path

from cmsdesk.signing.errors import SettingsError
from cmsdesk.signing.pades.box import Box, ByShape, FreeArea, ImagePosition, Rectangle


def add_box_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    group = parser.add_argument_group("visible box of a PAdES signature")
    group.add_argument(
        "--box",
        default="none",
        metavar="PLACE",
        help="none; auto (free room near the lower right corner); auto:WIDTHxHEIGHT; or X,Y,WIDTH,HEIGHT in "
        "points from the lower left corner of the page as displayed",
    )
    group.add_argument(
        "--box-shape",
        action="append",
        default=[],
        metavar="SHAPE=PLACE",
        help="another place for pages of a shape: portrait, landscape, square, 210x297 (repeatable)",
    )
    group.add_argument("--page", type=int, default=-1, help="page of the box, from 1, or from -1 backwards")
    group.add_argument("--box-text", help="text; {signer}, {date}, {reason}, {location}; \\n begins a line")
    group.add_argument("--box-image", type=Path, help="PNG or JPEG")
    group.add_argument("--box-image-behind", action="store_true", help="put the image behind the text")
    group.add_argument("--box-font", type=Path, help="TrueType font")
    group.add_argument("--no-border", action="store_true", help="without a frame")


def box_from(args: argparse.Namespace) -> Box | None:
    """Make the box that the options describe.

    Raises:
        SettingsError: a place is not understood.
    """
    if args.box == "none" and not args.box_shape:
        return None
    places = [_shaped(text, args.page) for text in args.box_shape]
    if args.box != "none":
        places.append(("*", _place(args.box, args.page)))
    place = (
        places[0][1]
        if len(places) == 1 and places[0][0] == "*"
        else ByShape(page=args.page, places=tuple(places))
    )
    texts = {} if args.box_text is None else {"text": args.box_text.replace("\\n", "\n")}
    return Box(
        place=place,
        image=args.box_image,
        image_position=ImagePosition.BEHIND if args.box_image_behind else ImagePosition.LEFT,
        font=args.box_font,
        border=not args.no_border,
        **texts,
    )


def _shaped(text: str, page: int) -> tuple[str, Rectangle | FreeArea]:
    shape, mark, place = text.partition("=")
    if not mark:
        raise _unclear(text)
    return shape, _place(place, page)


def _place(text: str, page: int) -> Rectangle | FreeArea:
    try:
        if text == "auto":
            return FreeArea(page=page)
        if text.startswith("auto:"):
            width, height = (float(part) for part in text.removeprefix("auto:").split("x"))
            return FreeArea(page=page, width=width, height=height)
        x, y, width, height = (float(part) for part in text.split(","))
    except ValueError as error:
        raise _unclear(text) from error
    return Rectangle(page=page, x=x, y=y, width=width, height=height)


def _unclear(text: str) -> SettingsError:
    return SettingsError(
        "A place for the box is not understood.", "Use auto, auto:200x60 or X,Y,WIDTH,HEIGHT.", place=text
    )

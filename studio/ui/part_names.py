"""Names of labels, joints, landmarks, garments and colours in the operator's language."""

from __future__ import annotations

from studio.domain.artefacts import Category, Neckline, SleeveLength
from studio.domain.edits import HemStyle
from studio.library.records import ColourLabel
from studio.ui.i18n import translate


def label_names() -> tuple[str, ...]:
    """Return the names of the parse map's labels in label order."""
    return (
        translate("Background"), translate("Hat"), translate("Hair"), translate("Glove"), translate("Glasses"),
        translate("Top"), translate("Dress (garment)"), translate("Coat"), translate("Socks"), translate("Trousers"),
        translate("Neck and torso skin"), translate("Scarf"), translate("Skirt"), translate("Face"),
        translate("Left arm"), translate("Right arm"), translate("Left leg"), translate("Right leg"),
        translate("Left shoe"), translate("Right shoe"),
    )  # fmt: skip


def _parts() -> dict[str, str]:
    return {
        "nose": translate("Nose"),
        "neck": translate("Neck"),
        "shoulder": translate("Shoulder"),
        "elbow": translate("Elbow"),
        "wrist": translate("Wrist"),
        "hip": translate("Hip"),
        "knee": translate("Knee"),
        "ankle": translate("Ankle"),
        "eye": translate("Eye"),
        "ear": translate("Ear"),
        "pinky": translate("Little finger"),
        "index": translate("Index finger"),
        "thumb": translate("Thumb"),
        "heel": translate("Heel"),
        "foot_index": translate("Toe"),
        "collar": translate("Collar"),
        "collar_front": translate("Collar front"),
        "collar_back": translate("Collar back"),
        "hood_top": translate("Hood, top"),
        "armpit": translate("Armpit"),
        "cuff_outer": translate("Outer cuff"),
        "cuff_inner": translate("Inner cuff"),
        "waist": translate("Waist"),
        "hem": translate("Hem"),
        "hem_centre": translate("Hem centre"),
        "hem_outer": translate("Outer hem"),
        "hem_inner": translate("Inner hem"),
        "crotch": translate("Crotch"),
        "strap": translate("Strap"),
    }


def part_name(name: str) -> str:
    """Return the name of a joint or landmark: "left_wrist", "cuff_left_outer", ..."""
    words = name.split("_")
    if words[0] == "neckline" and words[-1].isdigit():
        return translate("Neckline, point %1").replace("%1", str(int(words[-1])))
    side = next((word for word in words if word in ("left", "right")), "")
    bare = "_".join(word for word in words if word != side)
    part = _parts().get(bare, bare.replace("_", " "))
    if side == "left":
        return translate("Left %1").replace("%1", part.lower())
    return translate("Right %1").replace("%1", part.lower()) if side else part


def colour_names() -> dict[ColourLabel, str]:
    """Return the names of the colour labels."""
    return {
        ColourLabel.RED: translate("Red"),
        ColourLabel.YELLOW: translate("Yellow"),
        ColourLabel.GREEN: translate("Green"),
        ColourLabel.BLUE: translate("Blue"),
        ColourLabel.PURPLE: translate("Purple"),
        ColourLabel.NONE: translate("No colour"),
    }


def category_names() -> dict[str, str]:
    """Return every category of garment by its value, in the domain's order."""
    known = {
        "top": translate("Top"),
        "outerwear": translate("Outerwear"),
        "dress": translate("Dress (garment)"),
        "trousers": translate("Trousers"),
        "shorts": translate("Shorts"),
        "skirt": translate("Skirt"),
        "jumpsuit": translate("Jumpsuit"),
    }
    return {one.value: known.get(one.value, one.value.replace("_", " ").capitalize()) for one in Category}


def sleeve_names() -> dict[str, str]:
    """Return every length of sleeve by its value."""
    return {
        SleeveLength.NONE.value: translate("None"),
        SleeveLength.SHORT.value: translate("Short"),
        SleeveLength.ELBOW.value: translate("Elbow"),
        SleeveLength.LONG.value: translate("Long"),
    }


def neckline_names() -> dict[str, str]:
    """Return every neckline by its value."""
    return {
        Neckline.CREW.value: translate("Crew"),
        Neckline.V.value: translate("V-shape"),
        Neckline.SCOOP.value: translate("Scoop"),
        Neckline.BOAT.value: translate("Boat"),
        Neckline.HIGH.value: translate("High"),
        Neckline.COLLAR.value: translate("Collar"),
        Neckline.STRAPS.value: translate("Straps"),
        Neckline.OPEN.value: translate("Open front"),
        Neckline.NONE.value: translate("None"),
    }


def hem_names() -> dict[str, str]:
    """Return every way a top may end at the waist by its value."""
    return {
        HemStyle.AUTO.value: translate("As in the photo"),
        HemStyle.TUCKED.value: translate("Tucked in"),
        HemStyle.UNTUCKED.value: translate("Hanging over"),
    }


def worn_part_names() -> dict[str, str]:
    """Return the parts of a person that may be put over or under a garment, by the names of `LayerOrder`."""
    return {
        "hair": translate("Hair"),
        "face": translate("Face"),
        "hat": translate("Hat"),
        "sunglasses": translate("Glasses"),
        "scarf": translate("Scarf"),
        "coat": translate("Coat"),
        "left_arm": translate("Left arm"),
        "right_arm": translate("Right arm"),
        "glove": translate("Glove"),
    }

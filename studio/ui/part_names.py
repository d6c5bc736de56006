"""Names of labels, joints and landmarks in the operator's language."""

from __future__ import annotations

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
    side = next((word for word in words if word in ("left", "right")), "")
    bare = "_".join(word for word in words if word != side)
    part = _parts().get(bare, bare.replace("_", " "))
    if side == "left":
        return translate("Left %1").replace("%1", part.lower())
    return translate("Right %1").replace("%1", part.lower()) if side else part

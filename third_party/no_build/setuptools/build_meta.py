"""Stands in for the build backend while pip downloads a source archive.

pip asks the backend of what it downloads for its metadata: it would bring the backend from the
network and run code of the archive. All that is wanted here is the checked archive, and the
metadata lies in it. third_party/fetch puts this folder on PYTHONPATH.
"""
import email
import pathlib
import shutil


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    about = email.message_from_string(pathlib.Path("PKG-INFO").read_text(encoding="utf-8"))
    name = "{}-{}.dist-info".format(about["Name"].replace("-", "_"), about["Version"])
    folder = pathlib.Path(metadata_directory, name)
    folder.mkdir()
    shutil.copy("PKG-INFO", str(folder / "METADATA"))
    return name


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    raise RuntimeError("third_party/fetch downloads sources, it builds nothing")

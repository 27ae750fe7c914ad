"""Croissant 1.0 (MLCommons): croissant.json, JSON-LD that says what the JSONL files beside it hold, with their hashes.

The date is that of the last vote, because a release knows no clock. Who annotated and how goes into the responsible-AI
fields (`rai:`) of the 1.0 vocabulary.
"""

from __future__ import annotations

from typing import Any

from labels.gold import flat
from labels.gold.export import Export
from sessions.jsontext import dumps

_TYPES = {"text": "sc:Text", "int": "sc:Integer", "float": "sc:Float", "bool": "sc:Boolean"}
_CONTEXT: dict[str, Any] = {
    "@language": "en", "@vocab": "https://schema.org/", "citeAs": "cr:citeAs", "column": "cr:column",
    "conformsTo": "dct:conformsTo", "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataBiases": "cr:dataBiases", "dataCollection": "cr:dataCollection",
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"}, "dct": "http://purl.org/dc/terms/", "extract": "cr:extract",
    "field": "cr:field", "fileObject": "cr:fileObject", "fileProperty": "cr:fileProperty", "fileSet": "cr:fileSet",
    "format": "cr:format", "includes": "cr:includes", "isLiveDataset": "cr:isLiveDataset", "jsonPath": "cr:jsonPath",
    "key": "cr:key", "md5": "cr:md5", "parentField": "cr:parentField", "path": "cr:path",
    "personalSensitiveInformation": "cr:personalSensitiveInformation", "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet", "references": "cr:references", "regex": "cr:regex", "repeated": "cr:repeated",
    "replace": "cr:replace", "sc": "https://schema.org/", "separator": "cr:separator", "source": "cr:source",
    "subField": "cr:subField", "transform": "cr:transform",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "equivalentProperty": "cr:equivalentProperty", "samplingRate": "cr:samplingRate",
}  # fmt: skip


def export(export: Export) -> None:
    """Writes gold.jsonl, labels.jsonl, votes.jsonl, runs.jsonl (those that have rows) and croissant.json."""
    last = ""
    for run in export.runs():
        last = max(last, *(vote["at"] for vote in run.votes), *(ruling["at"] for ruling in run.adjudications), "")
        for table in export.tables:
            for row in flat.rows(table, run, export.modes):
                name = f"{table}.jsonl"
                file = export.folder.files.get(name) or export.folder.file(name)
                file.row(row)
    export.folder.close()
    export.folder.text("croissant.json", dumps(_document(export, last)) + "\n")


def _document(export: Export, last: str) -> dict[str, Any]:
    release, manifest = export.release, export.release.manifest
    tables = [table for table in export.tables if f"{table}.jsonl" in export.folder.files]
    people = {who for names in manifest["annotators"]["by_role"].values() for who in names}
    units = max(1, manifest["counts"]["units"])
    licence = {"license": manifest["licence"]} if manifest["licence"] else {}
    if not licence:
        export.notes.append("no licence is named: `gold release --licence` does")
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": "".join(char if char.isalnum() else "-" for char in release.name),
        "description": f"Failure modes in runs of AI agents, labelled by people. Release {export.title}.",
        "version": _version(release.version),
        "identifier": release.digest,
        "citeAs": f"{export.title}, digest {release.digest}",
        "datePublished": last[:10] or "1970-01-01",
        **licence,
        "rai:dataCollectionType": ["Manual Human Curation"],
        "rai:annotationsPerItem": f"{manifest['counts']['votes'] / units:.2f}",
        "rai:annotatorDemographics": [f"{len(people)} annotators, by pseudonym; nothing else was asked"],
        "rai:dataAnnotationProtocol": [
            f"settled by {manifest['settling']['rule']}, at least {manifest['settling']['min_votes']} votes"
        ],
        "rai:personalSensitiveInformation": [f"{kind}: hidden" for kind in manifest["redaction"]["hidden"]],
        "distribution": [_file(export, f"{table}.jsonl") for table in tables],
        "recordSet": [_records(table, flat.OF_QUEUE[table]) for table in tables],
    }


def _version(text: str) -> str:
    """Croissant wants MAJOR.MINOR.PATCH."""
    parts = text.split(".")
    return ".".join([*parts, "0", "0"][:3]) if all(part.isdecimal() for part in parts) else "1.0.0"


def _file(export: Export, name: str) -> dict[str, Any]:
    file = export.folder.files[name].as_json()
    return {
        "@type": "cr:FileObject", "@id": name, "name": name, "contentUrl": name, "contentSize": f"{file['bytes']} B",
        "encodingFormat": "application/jsonlines", "sha256": file["sha256"],
    }  # fmt: skip


def _records(table: str, columns: flat.Columns) -> dict[str, Any]:
    fields = [
        {
            "@type": "cr:Field", "@id": f"{table}/{column}", "name": f"{table}/{column}", "dataType": _TYPES[kind],
            "source": {"fileObject": {"@id": f"{table}.jsonl"}, "extract": {"column": column}},
        }
        for column, kind in columns.items()
    ]  # fmt: skip
    return {"@type": "cr:RecordSet", "@id": table, "name": table, "description": flat.ABOUT[table], "field": fields}

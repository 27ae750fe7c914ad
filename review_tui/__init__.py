"""The faces of the station: the Textual app and the command line. No SQL and no file formats in here."""

"""What may be wrong with an archive, as a sentence for the one who sent it."""


class BadArchive(Exception):
    """The archive cannot be read. It will not get better: never tried again."""


class Gone(Exception):
    """The archive is not there any more."""

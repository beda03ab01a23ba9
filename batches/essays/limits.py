"""How much of a file is read before it is refused, in one place; docs/load-essays.md repeats these figures.

They are set so that a hostile file costs less than 512 MB of memory and a class, a school or an exam session fits.
"""

MB = 1_000_000

MAX_FILE_BYTES = 5 * MB  # one document or one page image; also what providers take as one image
MAX_SHEET_BYTES = 30 * MB  # one CSV holds a whole cohort: about 15,000 essays of 300 words
MAX_ESSAYS = 20_000
MAX_LINE_CHARACTERS = 2_000_000  # bounds the cells that one line can be cut into
MAX_TEXT_CHARACTERS = 1_000_000  # one essay; whether it fits a judge's context is asked later, of the judge
MAX_CANDIDATE_CHARACTERS = 100

MAX_ENTRIES = 5_000  # files in a folder or an archive
MAX_TOTAL_BYTES = 200 * MB  # the same files, unpacked
MAX_RATIO = 100  # unpacked to packed; text reaches about 10
RATIO_FLOOR_BYTES = 100_000  # below this a ratio says nothing: a short file of spaces packs very well
MAX_DIRECTORY_BYTES = 6 * MB  # an archive's table of contents, read before its entries can be counted

MAX_PAGES = 20  # page images of one essay
MAX_PAGE_PIXELS = 8_000  # the longer side, the most that providers take

MAX_DOCUMENT_PAGES = 100  # of one PDF
MAX_DOCUMENT_XML_BYTES = 50 * MB  # of one .docx, unpacked
PARSE_MEMORY_BYTES = 512 * 1024 * 1024  # of the child process that opens one document
PARSE_CPU_SECONDS = 10
PARSE_WALL_SECONDS = 30
ALL_DOCUMENTS_SECONDS = 600  # of one folder or archive: many slow documents must not hold a worker for hours

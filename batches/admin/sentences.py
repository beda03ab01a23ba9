"""The sentences that the pure packages make, and those that stand in rows -> a list for whoever translates them.

`told` finds a sentence here by its pattern. tests/test_german.py holds the list against the source.
"""

from django.utils.translation import gettext_noop

# what is wrong with a file of essays
ESSAYS = (
    gettext_noop("row %(number)s"),
    gettext_noop("essay %(number)s"),
    gettext_noop("column %(place)s (no name)"),
    gettext_noop("the upload"),
    gettext_noop(".txt, .docx, .pdf, .png or .jpg"),
    gettext_noop("Files of this kind are not read: use %(kinds)s, or take the file out."),
    gettext_noop("%(first)s (And %(n)s more.)"),
    gettext_noop("And %(n)s more problems like these."),
    gettext_noop("The text holds a NUL character: the file is damaged or not plain text; save it again as UTF-8."),
    gettext_noop(
        "The text holds half of a character (a lone surrogate): save the file again as UTF-8 from the program it "
        "was written in."
    ),
    gettext_noop('The file is UTF-16 and not UTF-8: save it again as UTF-8 (in Excel: "CSV UTF-8").'),
    gettext_noop('The file is not UTF-8 (line %(line)s): save it again as UTF-8 (in Excel: "CSV UTF-8").'),
    gettext_noop("The document has a password or is an old .doc: save it as .docx without a password."),
    gettext_noop("The file is not a Word document, whatever its name says: save it again as .docx."),
    gettext_noop("The file is not a PDF, whatever its name says: save it again as PDF."),
    gettext_noop("The document takes more than %(most)s seconds to open: save its text as .txt and load that."),
    gettext_noop(
        "The document cannot be read: open it, save it again, and if that does not help save its text as .txt."
    ),
    gettext_noop("The candidate is empty: give every essay a code."),
    gettext_noop("The candidate has a control character or an invisible one in it: type the code again."),
    gettext_noop("The candidate is %(length)s characters long: use a code of at most %(most)s."),
    gettext_noop("The text is empty: add the essay, or leave this candidate out."),
    gettext_noop(
        "The text is %(length)s characters long: an essay may have at most %(most)s; check that several essays "
        "have not run into one."
    ),
    gettext_noop(
        "The anchor_score is not a number that can be used: write at most five digits and three decimals, such as "
        "3.5, or leave it blank."
    ),
    gettext_noop("This is a link or a device and not a file: copy the file itself into its place."),
    gettext_noop("The file is empty (0 bytes): save it again, or leave it out."),
    gettext_noop("The file is larger than %(most)s MB: check that it is the right one, or make it smaller."),
    gettext_noop("There are more than %(most)s files in it: load them in several parts."),
    gettext_noop("The files are more than %(most)s MB together: load them in several parts."),
    gettext_noop("The name leads out of its folder: give the file another name."),
    gettext_noop("The name leads out of the archive: make the zip again from a plain folder."),
    gettext_noop("This is a link and not a file: make the zip again with the file itself."),
    gettext_noop("The file is protected by a password: make the zip again without one."),
    gettext_noop("The file is packed in an unusual way: make the zip again with the usual method (deflate)."),
    gettext_noop("The file unpacks to more than %(most)s times its size (a zip bomb): leave it out."),
    gettext_noop("The archive lists more than %(most)s files: load them in several parts."),
    gettext_noop("The zip archive cannot be read: it is damaged or not a zip; make it again."),
    gettext_noop("The file cannot be unpacked: it is damaged; make the zip again."),
    gettext_noop("The file cannot be opened (%(why)s): check its name and who may read it."),
    gettext_noop("The candidate %(candidate)s is already used by %(other)s: give every essay a code of its own."),
    gettext_noop(
        "The name may end in a page number or in the candidate's own number: put the pages of each candidate into "
        "a folder named after the candidate."
    ),
    gettext_noop("There are %(numbers)s pages of %(candidate)s: an essay may have %(most)s."),
    gettext_noop(
        "The pages of %(candidate)s are numbered %(pages)s and not 1, 2, 3: name them NAME-1, NAME-2, or put them "
        "into a folder named after the candidate."
    ),
    gettext_noop("The file is not the picture that its name says, or it is damaged: save it again as .png."),
    gettext_noop("The page is %(width)s by %(height)s pixels: make no side longer than %(most)s."),
    gettext_noop("The document declares entities, which Word never does: save it again as .docx."),
    gettext_noop("The document is protected: save a copy without a password or restrictions."),
    gettext_noop("The PDF has %(pages)s pages: an essay may have %(most)s."),
    gettext_noop("The PDF holds no text, it is probably a scan: load its pages as .png or .jpg images instead."),
    gettext_noop("The document holds more than %(most)s characters: check that it is one essay."),
    gettext_noop("The file is not a Word document, or a damaged one: save it again as .docx."),
    gettext_noop("The document unpacks to more than %(most)s MB: save its text as .txt and load that."),
    gettext_noop("The document holds macros: save it as .docx without them."),
    gettext_noop("The document needs too much memory to open: save its text as .txt and load that."),
    gettext_noop("There are no essays in it: give a CSV with the columns candidate and text, or files of %(kinds)s."),
    gettext_noop("The documents before this one took too long to open: load them in several parts."),
    gettext_noop("This is an archive inside another: unpack it and load the essays themselves."),
    gettext_noop("This kind of Word document can run macros: save it as .docx."),
    gettext_noop("Documents of this kind are not read: save it as .docx or .pdf."),
    gettext_noop("Pictures of this kind are not read: save it as .png or .jpg."),
    gettext_noop("A table of essays has to be a .csv that is loaded by itself."),
    gettext_noop("The row has %(cells)s cells and the header %(header)s: put a text with commas in double quotes."),
    gettext_noop("There are more than %(most)s rows: split the file into several."),
    gettext_noop(
        "The quotation marks of row %(row)s do not match (read up to line %(line)s): put the whole text in double "
        "quotes and write every double quote inside it twice; the rows after it were not read."
    ),
    gettext_noop("Line %(number)s is %(length)s characters long: check that this is a CSV with one essay a row."),
    gettext_noop("The columns are separated by %(word)s: save the file as CSV with commas."),
    gettext_noop("The column %(name)s is there %(times)s times: keep one of them."),
    gettext_noop(
        "The column %(name)s is missing: the first row must name the columns candidate and text (it names: %(header)s)."
    ),
    gettext_noop(
        "The column %(first)s and the column %(second)s are missing: the first row must name the columns candidate "
        "and text (it names: %(header)s)."
    ),
)
# what the manifest says of a model
MODELS = (
    gettext_noop("%(model)s was retired on %(day)s."),
    gettext_noop("%(model)s was retired on %(day)s. Use %(successor)s instead."),
    gettext_noop("%(model)s retires on %(day)s (today is its last day)."),
    gettext_noop("%(model)s retires on %(day)s (today is its last day). Use %(successor)s instead."),
    gettext_noop("%(model)s retires on %(day)s (1 day left)."),
    gettext_noop("%(model)s retires on %(day)s (1 day left). Use %(successor)s instead."),
    gettext_noop("%(model)s retires on %(day)s (%(days)s days left)."),
    gettext_noop("%(model)s retires on %(day)s (%(days)s days left). Use %(successor)s instead."),
    gettext_noop("%(model)s takes the efforts %(efforts)s, not %(effort)s."),
    gettext_noop("The manifest has no %(provider)s model %(model)s. Did you mean %(near)s?"),
    gettext_noop("The manifest has no %(provider)s model %(model)s. It has: %(ids)s."),
)
# what a scale is not good for, and why an essay is worth a look
SCALES = (
    gettext_noop("The judgements fall into %(n)s groups that nothing connects: there is no one scale."),
    gettext_noop(
        "The reliability (%(eb)s) cannot be told from zero: a judge who tosses coins may leave a scale like this "
        "one; do not use the order."
    ),
    gettext_noop("These judgements hardly tell the essays apart (reliability %(eb)s): do not use the order."),
    gettext_noop("On %(n)s random pairs the scale named the winner no better than a coin (%(accuracy)s)."),
    gettext_noop(
        "The classic SSR (%(classic)s) lies above the EB reliability (%(eb)s); under adaptive pairing or with few "
        "judgements the SSR misleads: go by the EB reliability."
    ),
    gettext_noop(
        "The classic SSR (%(classic)s) lies below the EB reliability (%(eb)s); under adaptive pairing or with few "
        "judgements the SSR misleads: go by the EB reliability."
    ),
    gettext_noop(
        "The anchors' scores do not rise with their known grades, so no boundaries come from them: look at them, "
        "or set the boundaries yourself."
    ),
    gettext_noop("judged against its score more often than chance allows"),
    gettext_noop("the judge changed its mind when the pair was swapped"),
    gettext_noop("close to a grade boundary"),
    gettext_noop("compared too seldom"),
    gettext_noop("not connected to the other essays"),
)
# what workers write down
ROWS = (
    gettext_noop("asked for by a person"),
    gettext_noop("Backups of the database hold the texts until they are themselves deleted."),
    gettext_noop("Whoever received callbacks or exports holds what they received."),
    gettext_noop(
        "A provider keeps what it was sent for as long as its own terms say; what can be deleted there was deleted."
    ),
    gettext_noop("It has only begun."),
    gettext_noop("A worker holds some of its comparisons."),
    gettext_noop("A person has to decide about %(jobs)s."),
    gettext_noop("%(jobs)s must end first: answers are discarded."),
    gettext_noop("essay texts"),
    gettext_noop("words"),
    gettext_noop("page images"),
    gettext_noop("justifications"),
    gettext_noop("raw answers"),
    gettext_noop("batch jobs under way"),
    gettext_noop("batch jobs to delete at the provider"),
    gettext_noop("names of the roster"),
    gettext_noop("provider batches with their files"),
    gettext_noop("The provider no longer keeps the results."),
    gettext_noop("The results never mentioned it."),
    gettext_noop("refused without a word"),
)
SENTENCES = (*ESSAYS, *MODELS, *SCALES, *ROWS)

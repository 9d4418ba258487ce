"""The file for people: a spreadsheet whose cells are text, so that no program reads a code anew.

Excel takes `0012345678901234` of a CSV for a number and shows 1.23E+13; saved once, the code is
gone.
Source: https://learn.microsoft.com/office/troubleshoot/excel/last-digits-changed-to-zeros
"""

import io
from collections.abc import Sequence

from cardvault.downloads.words import Words
from cardvault.errors import InvalidRequest
from cardvault.orders.opening import NumberedCards

# Source: https://support.microsoft.com/office/1672b34d-7043-467e-8e27-269d656771c3
LONGEST_CELL = 32_767
_WIDTHS = (14, 40, 40)
_TEXT = 49  # of the formats that every program knows: @
# Nothing is made of a text but a text, and nothing is written to disk.
_AS_IT_IS = {
    "in_memory": True,
    "strings_to_numbers": False,
    "strings_to_formulas": False,
    "strings_to_urls": False,
}


def write(head: Sequence[str], words: Words, cards: NumberedCards) -> bytes:
    """An .xlsx file (ECMA-376): the lines of the head, then the cards under their columns.

    Raises InvalidRequest for a code that no cell can hold.
    """
    if any(
        len(text or "") > LONGEST_CELL for _, card in cards for text in (card.value, card.serial)
    ):
        raise InvalidRequest("a code is too long for a spreadsheet; take another format")
    import xlsxwriter  # noqa: PLC0415 - 0.1 s that only who asks for such a file waits for

    content = io.BytesIO()
    with xlsxwriter.Workbook(content, _AS_IT_IS) as book:
        text = book.add_format({"num_format": _TEXT, "text_wrap": True, "valign": "top"})
        sheet = book.add_worksheet(words.cards)
        if words.right_to_left:
            sheet.right_to_left()
        top = len(head)
        for row, line in enumerate(head):
            sheet.write_string(row, 0, line)
        sheet.freeze_panes(top + 1, 0)
        bold = book.add_format({"bold": True})
        for column, title in enumerate((words.card, words.code, words.serial)):
            sheet.set_column(column, column, _WIDTHS[column])
            sheet.write_string(top, column, title, bold)
        for row, (number, card) in enumerate(cards, start=top + 1):
            for column, said in enumerate((str(number), card.value, card.serial or "")):
                sheet.write_string(row, column, said, text)
        # No green corners: that a code of digits is a text is meant.
        sheet.ignore_errors({"number_stored_as_text": f"A1:C{top + 1 + len(cards)}"})
    return content.getvalue()

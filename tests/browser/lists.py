"""Writes lists as spreadsheet programs on Chinese Windows do, and opens files as such a program.

    lists.py write FOLDER    staff.csv and corrected.csv in GBK, staff.xlsx with phone numbers as numbers
    lists.py open FILE       prints the cells of a file as LibreOffice reads them, a JSON array of rows
"""

import csv
import json
import pathlib
import subprocess
import sys
import tempfile
import zipfile
from xml.sax.saxutils import escape

HEADER = ["工号", "姓名", "部门", "手机号", "邮箱"]
GROUPS = ["销售部", "研发部", "财务部", "人力资源部"]
FAMILIES = "王李张刘陈杨黄赵吴周"
GIVEN = "伟芳娜敏静强磊军洋勇艳杰娟涛明超霞平刚桂英华文辉玲斌丽萍红鑫"


def staff():
    return [
        [f"{n:04}", FAMILIES[n % 10] + GIVEN[n // 10], GROUPS[n % 4], f"138001{30000 + n}", f"u{n}@example.com"]
        for n in range(300)
    ]


def corrected():
    """Two people have changed, one has left, one is new."""
    rows = staff()
    rows[7][2] = "财务部"
    rows[8][3] = "13900139008"
    del rows[299]
    return rows + [["0300", "欧阳锋", "研发部", "13900139300", "u300@example.com"]]


def write_csv(path, rows):
    with open(path, "w", encoding="gbk", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows])


def write_xlsx(path, rows):
    """A workbook as Excel writes one: texts in a table of their own, a phone number typed into a cell as a number."""
    texts = {}

    def cell(name, value):
        if name[0] == "D" and value.isdigit():
            return f'<c r="{name}"><v>{value}</v></c>'
        return f'<c r="{name}" t="s"><v>{texts.setdefault(value, len(texts))}</v></c>'

    sheet = "".join(
        f'<row r="{r}">' + "".join(cell(f"{chr(65 + c)}{r}", value) for c, value in enumerate(row)) + "</row>"
        for r, row in enumerate([HEADER, *rows], 1)
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    relation = lambda number, name, target: f'<Relationship Id="rId{number}" Type="{office}/{name}" Target="{target}"/>'
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/>'
        f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}.sharedStrings+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">{relation(1, "officeDocument", "xl/workbook.xml")}</Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="员工" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'{relation(1, "worksheet", "worksheets/sheet1.xml")}{relation(2, "sharedStrings", "sharedStrings.xml")}</Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{sheet}</sheetData></worksheet>',
    }
    shared = "".join(f"<si><t>{escape(text)}</t></si>" for text in texts)
    parts["xl/sharedStrings.xml"] = f'<sst xmlns="{main}">{shared}</sst>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>' + text)


def opened(path):
    """The cells of the first sheet, as a spreadsheet program shows them once it has opened the file."""
    with tempfile.TemporaryDirectory() as folder:
        office = ["soffice", "--headless", "--norestore", f"-env:UserInstallation=file://{folder}/profile"]
        # 44,34,76: commas, double quotation marks, UTF-8. Without a window the program does not look at the mark by which
        # Excel knows UTF-8: that it is there is looked at here.
        text = "44,34,76"
        if path.suffix == ".csv":
            assert path.read_bytes().startswith(b"\xef\xbb\xbf"), "the file has no byte order mark"
            office.append(f"--infilter=CSV:{text}")
        work = [*office, "--convert-to", f"csv:Text - txt - csv (StarCalc):{text}", "--outdir", f"{folder}/opened", str(path)]
        subprocess.run(work, check=True, capture_output=True, timeout=120)
        found = pathlib.Path(folder, "opened", f"{path.stem}.csv")
        with open(found, encoding="utf-8-sig", newline="") as file:
            return list(csv.reader(file))


if __name__ == "__main__":
    if sys.argv[1] == "write":
        folder = pathlib.Path(sys.argv[2])
        write_csv(folder / "staff.csv", staff())
        write_csv(folder / "corrected.csv", corrected())
        write_xlsx(folder / "staff.xlsx", staff())
        print(json.dumps(staff(), ensure_ascii=False))
    else:
        print(json.dumps(opened(pathlib.Path(sys.argv[2])), ensure_ascii=False))

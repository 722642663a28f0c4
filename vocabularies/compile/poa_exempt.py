#!/usr/bin/env python3
"""poa_exempt_rules.tsv: the list of codes exempt from present-on-admission reporting as beginnings of codes and seventh characters.

    poa_exempt.py POAexemptCodesFY25.txt < billable codes, one a line > ../poa_exempt_rules.tsv

The list is what CMS publishes for a fiscal year: a tab-separated line a code, the code in the second column. A rule covers exactly the codes of the
list among the billable ones, so a code that is newer than the list is never taken for exempt."""
import sys
from collections import defaultdict

HEAD = """# Codes that are exempt from present-on-admission reporting, as rules: compiled by compile/poa_exempt.py, not edited by hand. The list of fiscal year 2025
# (CMS and NCHS, a work of the United States Government) over the billable codes of this release; a code that is newer than the list is not exempt here.
# beginning: of the codes. seventh: the seventh characters that are exempt; empty = all codes of the beginning.
beginning\tseventh
"""


def rules(billable, exempt):
    """(beginning, seventh characters) that cover the exempt ones among the billable codes, and no other; codes are without dots"""
    found = []

    def cover(beginning, codes):
        inside = [code for code in codes if code in exempt]
        if not inside:
            return
        if len(inside) == len(codes):
            found.append((beginning, ''))
            return
        letters = {code[6] for code in inside if len(code) == 7}
        whole = all(len(code) == 7 for code in inside)
        if whole and all((code in exempt) == (len(code) == 7 and code[6] in letters) for code in codes):
            found.append((beginning, ''.join(sorted(letters))))
            return
        below = defaultdict(list)
        for code in codes:
            below[code[:len(beginning) + 1]].append(code)
        for longer in sorted(below):
            cover(longer, below[longer])

    categories = defaultdict(list)
    for code in sorted(billable):
        categories[code[:3]].append(code)
    for category in sorted(categories):
        cover(category, categories[category])
    return found


def dotted(code):
    return code if len(code) <= 3 else '%s.%s' % (code[:3], code[3:])


def plain(code):
    return code.strip().strip('"').replace('.', '').upper()


def main():
    with open(sys.argv[1], encoding='utf-8-sig', errors='replace') as lines:
        cells = [line.rstrip('\r\n').split('\t') for line in lines]
    exempt = {plain(row[1]) for row in cells if len(row) > 1 and row[1][:1].isalpha() and row[1][1:2].isdigit()}
    billable = {plain(line) for line in sys.stdin if line.strip()}
    sys.stdout.write(HEAD)
    for beginning, seventh in rules(billable, exempt):
        sys.stdout.write('%s\t%s\n' % (dotted(beginning), seventh))


if __name__ == '__main__':
    main()

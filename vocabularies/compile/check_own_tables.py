#!/usr/bin/env python3
"""Check the hand-written diagnosis tables: columns, duplicates, codes that exist and are billable, laterality.

usage: check_own_tables.py [--dir FOLDER] [--shared FOLDER]

--dir     folder with the tables (default: the folder above this script)
--shared  folder with billable.tsv.gz (or icd10cm/billable.tsv.gz); without it icd10cm.tsv.gz beside the tables is read
Exit status 1 when a table has an error.
"""
import argparse
import csv
import gzip
import os
import re
import sys

TABLES = {
    'abbreviations.tsv': ['abbreviation', 'expansion', 'kind', 'codes', 'guard', 'context'],
    'everyday_diagnoses.tsv': ['term', 'codes', 'kind'],
    'history_codes.tsv': ['disease_prefix', 'personal_history_codes', 'family_history_codes'],
    'stop_terms.tsv': ['term', 'kind', 'reason'],
}
MINIMUM = {'abbreviations.tsv': 450, 'everyday_diagnoses.tsv': 1500, 'history_codes.tsv': 200, 'stop_terms.tsv': 250}
KINDS = {
    'abbreviations.tsv': {'diagnosis', 'finding', 'ignore'},
    'everyday_diagnoses.tsv': {'diagnosis', 'finding'},
    'stop_terms.tsv': {'diagnosis', 'medication', 'allergen', 'weak_diagnosis', 'not_diagnosis_phrase'},
}
GUARDS = {'upper', 'any', 'context'}
CODE = re.compile(r'^[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?$')


def dotted(code):
    return code if '.' in code or len(code) <= 3 else code[:3] + '.' + code[3:]


def billable_codes(folder, shared):
    """code -> title of every billable code"""
    if shared:
        for name in ('billable.tsv.gz', 'icd10cm/billable.tsv.gz', 'vocabularies/icd10cm/billable.tsv.gz'):
            path = os.path.join(shared, name)
            if os.path.exists(path):
                break
        else:
            sys.exit('no billable.tsv.gz under --shared')
    else:
        path = os.path.join(folder, 'icd10cm.tsv.gz')
        if not os.path.exists(path):
            sys.exit('no icd10cm.tsv.gz beside the tables: give --shared')
    codes = {}
    with gzip.open(path, 'rt', encoding='utf8') as f:
        rows = csv.DictReader((line for line in f if not line.startswith('#')), delimiter='\t', quoting=csv.QUOTE_NONE)
        names = {n.lower(): n for n in rows.fieldnames or []}
        code_col = names.get('code') or (rows.fieldnames or ['code'])[0]
        flag = next((names[n] for n in ('billable', 'leaf', 'valid') if n in names), None)
        title = next((names[n] for n in ('desc', 'title', 'description', 'name', 'long') if n in names), None)
        for row in rows:
            if flag and str(row[flag]).strip().lower() not in ('1', 'true', 'y', 'yes'):
                continue
            codes[dotted(row[code_col].strip())] = (row[title] or '') if title else ''
    return codes


def read(path, header):
    """rows as (line number, fields), and the errors of the layout"""
    rows, errors, seen_header = [], [], False
    with open(path, encoding='utf8', newline='') as f:
        for number, line in enumerate(f, 1):
            if line.endswith('\r\n'):
                errors.append((number, 'carriage return'))
            line = line.rstrip('\r\n')
            if not line or line.startswith('#'):
                continue
            fields = line.split('\t')
            if not seen_header:
                seen_header = True
                if fields != header:
                    errors.append((number, 'header is %s, not %s' % (fields, header)))
                continue
            if len(fields) != len(header):
                errors.append((number, '%d columns, not %d' % (len(fields), len(header))))
                continue
            if any(x != x.strip() for x in fields) or '"' in fields[0]:
                errors.append((number, 'blanks or quotes around a field: %r' % fields))
            rows.append((number, fields))
    return rows, errors


def codes_of(text):
    return [c for alternative in text.split('|') for c in alternative.split('+')]


CODING_TABLES = {
    'index.tsv': ['path', 'nonessential', 'code', 'manifestation', 'see'],
    'conventions.tsv': ['base', 'when', 'code', 'with', 'guideline'],
    'specificity_prompts.tsv': ['code', 'kind', 'message', 'choices'],
}
# Lead terms of the index that coders expect at least.
LEAD_TERMS = 1500


def coding_errors(folder, billable, data):
    """(table, line, message) of the tables that say which code stands where: codes that are not billable, beginnings of none, lines twice"""
    beginnings = {code[:length] for code in billable for length in range(3, len(code) + 1)}
    for name, header in CODING_TABLES.items():
        rows, errors = read(os.path.join(folder, name), header)
        data[name] = rows
        yield from ((name, number, message) for number, message in errors)
        seen = set()
        for number, f in rows:
            key = tuple(f[:3] if name == 'conventions.tsv' else f[:1])
            if key in seen:
                yield name, number, 'stands twice: %s' % (key,)
            seen.add(key)
            if name == 'index.tsv':
                codes = [f[2], f[3]]
                if bool(f[2]) == bool(f[4]):
                    yield name, number, 'either a code or a reference'
            elif name == 'conventions.tsv' and f[0].startswith('@'):
                codes = []
            elif name == 'conventions.tsv':
                codes = [x for x in [f[2], *f[3].split('|')] if x not in ('=', '$1', '$2')]
                unknown = [b for b in f[0].split('|') if b not in beginnings]
                if unknown:
                    yield name, number, 'no code begins with %s' % unknown
            else:
                codes = f[3].split()
                if f[0] not in beginnings:
                    yield name, number, 'no code begins with %s' % f[0]
                if len(codes) > 9 or len(set(codes)) < len(codes) or f[0] in codes:
                    yield name, number, 'at most nine choices, each once, and not the code itself'
            for code in filter(None, codes):
                if code not in billable:
                    yield name, number, 'not billable: %s' % code
        if name == 'index.tsv':
            yield from ((name, number, message) for number, message in same_words(rows))
            leads = len({f[0].split(' > ')[0] for _, f in rows})
            if leads < LEAD_TERMS:
                yield name, 0, 'only %d lead terms' % leads


# Words of a path that say nothing of the disease.
GLUE = set('of the and in to due for on at by an'.split())


def same_words(rows):
    """(line, message) of paths with the words of an earlier one and another code: which of them is found would be chance"""
    known = {}
    for number, (path, _, code, manifestation, _) in rows:
        words = frozenset(re.findall(r"[\w']+", path.lower())) - GLUE
        if not code or not words:
            continue
        line, codes = known.setdefault(words, (number, (code, manifestation)))
        if codes != (code, manifestation):
            yield number, 'the words of line %d, but another code' % line


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--dir', default=os.path.dirname(here))
    ap.add_argument('--shared')
    args = ap.parse_args()
    billable = billable_codes(args.dir, args.shared)
    total, data = 0, {}

    def fail(name, number, message):
        nonlocal total
        total += 1
        print('%s:%s: %s' % (name, number, message))

    for name, header in TABLES.items():
        path = os.path.join(args.dir, name)
        if not os.path.exists(path):
            fail(name, 0, 'missing')
            continue
        rows, errors = read(path, header)
        data[name] = rows
        for number, message in errors:
            fail(name, number, message)
        if len(rows) < MINIMUM[name]:
            fail(name, 0, 'only %d rows' % len(rows))
        seen = {}
        for number, f in rows:
            if name == 'abbreviations.tsv':
                key = (f[0].lower(), f[1].lower())
                kind, codes = f[2], f[3]
                if f[4] not in GUARDS:
                    fail(name, number, 'guard %r' % f[4])
                if f[4] == 'context' and not any(w and not w.startswith('!') for w in f[5].split('|')):
                    fail(name, number, 'guard context without a context word')
                if f[5] and any(w != w.lower() or not w.strip('!') for w in f[5].split('|')):
                    fail(name, number, 'context %r' % f[5])
                if (kind == 'ignore') != (codes == ''):
                    fail(name, number, 'codes are for diagnosis and finding only')
            elif name == 'everyday_diagnoses.tsv':
                key, codes, kind = (f[0], f[2]), f[1], f[2]
                if f[0] != f[0].lower():
                    fail(name, number, 'term not in lower case')
                if not codes:
                    fail(name, number, 'no code')
            elif name == 'history_codes.tsv':
                key, kind = f[0], None
                codes = '|'.join(x for x in f[1:] if x != '-')
                if not f[1] or not f[2]:
                    fail(name, number, 'empty field, write -')
                if not any(c.startswith(f[0]) for c in billable):
                    fail(name, number, 'no code begins with %s' % f[0])
            else:
                key, codes, kind = (f[0], f[1]), '', f[1]
                if f[0] != f[0].lower():
                    fail(name, number, 'term not in lower case')
            if key in seen:
                fail(name, number, 'same as line %d: %s' % (seen[key], key))
            seen[key] = number
            if kind is not None and kind not in KINDS[name]:
                fail(name, number, 'kind %r' % kind)
            if codes:
                for c in codes_of(codes):
                    if not CODE.match(c):
                        fail(name, number, 'not a code: %r' % c)
                    elif c not in billable:
                        fail(name, number, 'not billable: %s' % c)
                if len(codes.split('|')) > 5 and name != 'history_codes.tsv':
                    fail(name, number, 'more than five alternatives')
            if name == 'everyday_diagnoses.tsv' and codes:
                words = set(re.findall(r'[a-z]+', f[0]))
                title = ' '.join(billable.get(c, '').lower() for c in codes.split('|')[0].split('+'))
                for one, other in (('right', 'left'), ('left', 'right')):
                    if one in words and other not in words and other in title and one not in title:
                        fail(name, number, 'laterality: %s -> %s' % (f[0], codes))
    stopped = {f[0] for _, f in data.get('stop_terms.tsv', []) if f[1] in ('diagnosis', 'not_diagnosis_phrase')}
    for number, f in data.get('everyday_diagnoses.tsv', []):
        if f[0] in stopped:
            fail('everyday_diagnoses.tsv', number, 'also in stop_terms.tsv: %s' % f[0])
    guarded = {f[0].lower() for _, f in data.get('abbreviations.tsv', []) if f[4] != 'any'}
    for number, f in data.get('everyday_diagnoses.tsv', []):
        if f[0] in guarded:
            fail('everyday_diagnoses.tsv', number, 'a guarded abbreviation must not be an unguarded term: %s' % f[0])
    for name, number, message in coding_errors(args.dir, billable, data):
        fail(name, number, message)
    print(', '.join('%s %d rows' % (n, len(r)) for n, r in data.items()), '- %d errors' % total)
    return 1 if total else 0


if __name__ == '__main__':
    sys.exit(main())

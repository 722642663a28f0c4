#!/usr/bin/env python3
"""Collect the words that our own notes and tables write in lower case: what a capital letter does not make a name of.

usage: ordinary_words.py [--check]

Writes ordinary_words.tsv beside the tables. Sources: the gold notes and the training notes of ours, our own tables,
and compile/ordinary_words_added.txt. Names of person_names.tsv that are not also ordinary words are left out.
"""
import glob
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
OUT = os.path.join(ROOT, 'vocabularies', 'ordinary_words.tsv')
HEAD = ['# Words that are no names because our own notes and tables write them in lower case; made by compile/ordinary_words.py.', 'word']
TABLES = ['abbreviations', 'everyday_diagnoses', 'sections', 'cues', 'sig_words', 'medication_cues', 'reactions', 'boilerplate', 'drug_classes']


def rows(path):
    with open(path, encoding='utf8') as file:
        return [line.rstrip('\n').split('\t') for line in file if line.strip() and not line.startswith('#')][1:]


def main():
    table = os.path.join(ROOT, 'vocabularies')
    text = []
    for pattern in ('eval/gold/source/*.txt', 'models/training/notes/*.txt'):
        for path in sorted(glob.glob(os.path.join(ROOT, pattern))):
            with open(path, encoding='utf8') as file:
                text.append(re.sub(r'\[\[([^|\]]*)\|[^\]]*\]\]', r'\1', file.read()))
    words = set(re.findall(r"(?<![\w'’\[{.@/-])[a-z]{2,}(?![\w@])", '\n'.join(text)))
    for name in TABLES:
        for row in rows(os.path.join(table, name + '.tsv')):
            words.update(word for word in re.findall(r'[a-z]{2,}', row[0]))
    names = {row[0] for row in rows(os.path.join(table, 'person_names.tsv')) if row[2] == '0'}
    names |= {word for row in rows(os.path.join(table, 'places.tsv')) if row[2] == '0' for word in row[0].split() if len(row[0].split()) == 1}
    with open(os.path.join(HERE, 'ordinary_words_added.txt'), encoding='utf8') as file:
        added = set(file.read().split())
    made = '\n'.join(HEAD + sorted((words - names) | added)) + '\n'
    if '--check' in sys.argv:
        with open(OUT, encoding='utf8') as file:
            sys.exit(0 if file.read() == made else 'ordinary_words.tsv differs; run vocabularies/compile/ordinary_words.py')
    with open(OUT, 'w', encoding='utf8') as file:
        file.write(made)
    print(len(words | added), 'words')


if __name__ == '__main__':
    main()

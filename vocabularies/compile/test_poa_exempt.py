"""The rules cover what is on the list, and nothing else."""
import unittest

from poa_exempt import dotted, plain, rules


class Rules(unittest.TestCase):
    def test_a_rule_covers_the_list_and_nothing_else(self):
        billable = {'B900', 'B908', 'I10', 'S72001A', 'S72001D', 'S72001S', 'S72002A', 'S72002D', 'S72002S', 'Z0000', 'Z0001'}
        exempt = {'B900', 'B908', 'S72001D', 'S72001S', 'S72002D', 'S72002S', 'Z0000'}
        found = rules(billable, exempt)
        self.assertEqual(found, [('B90', ''), ('S72', 'DS'), ('Z0000', '')])
        covered = {code for code in billable for beginning, seventh in found
                   if code.startswith(beginning) and (not seventh or len(code) == 7 and code[6] in seventh)}
        self.assertEqual(covered, exempt)

    def test_a_code_that_is_newer_is_not_covered(self):
        self.assertEqual(rules({'Z380', 'Z381', 'Z389'}, {'Z380', 'Z381'}), [('Z380', ''), ('Z381', '')])

    def test_codes_are_written_as_one_writes_them(self):
        self.assertEqual([dotted('B90'), dotted('Z3800'), plain(' "z38.00"')], ['B90', 'Z38.00', 'Z3800'])


if __name__ == '__main__':
    unittest.main()

"""Counts the test cases of Bazel runs: count_tests.py NAME.events...

Each argument is a file that `bazel test --build_event_json_file` wrote. Test cases are counted, not targets; a target
that does not build, or ends badly without a failed case (a crash, a time-out), is one failure.
The last line is "N passed, N failed"; exit status 1 when something failed or nothing ran.
"""

import json
import os
import sys
import urllib.parse
import xml.etree.ElementTree


def cases(path):
    """(passed, failed, skipped) of one test.xml."""
    passed = failed = skipped = 0
    for case in xml.etree.ElementTree.parse(path).getroot().iter('testcase'):
        if case.find('failure') is not None or case.find('error') is not None:
            failed += 1
        elif case.find('skipped') is not None or case.get('status') == 'notrun':
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def count(events):
    """[passed, failed, skipped] of one run."""
    totals, exit_code = [0, 0, 0], None
    for event in map(json.loads, events):
        found = (0, 0, 0)
        if 'testResult' in event:
            result = event['testResult']
            outputs = {o['name']: o['uri'] for o in result.get('testActionOutput', []) if 'uri' in o}
            try:
                found = cases(urllib.parse.unquote(urllib.parse.urlparse(outputs['test.xml']).path))
            except (KeyError, OSError, xml.etree.ElementTree.ParseError):
                pass
            bad = result.get('status') not in ('PASSED', 'FLAKY')
            if found == (0, 0, 0) or (bad and not found[1]):
                found = (found[0], found[1] + 1, found[2])
        elif 'targetCompleted' in event['id'] and not event.get('completed', {}).get('success'):
            found = (0, 1, 0)
        elif 'finished' in event:
            exit_code = event['finished'].get('exitCode', {}).get('name')
        totals = [a + b for a, b in zip(totals, found)]
    if exit_code != 'SUCCESS' and not totals[1]:
        totals[1] = 1
    return totals


def main(paths):
    totals = [0, 0, 0]
    for path in paths:
        found = [0, 1, 0]
        if os.path.exists(path):
            with open(path) as events:
                found = count(events)
        print('%-10s %5d passed, %d failed, %d skipped' % (os.path.basename(path).split('.')[0], *found))
        totals = [a + b for a, b in zip(totals, found)]
    print('%d passed, %d failed%s' % (totals[0], totals[1], ', %d skipped' % totals[2] if totals[2] else ''))
    return 1 if totals[1] or not totals[0] else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))

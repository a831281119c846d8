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


def result_cases(result):
    """The same of one testResult event."""
    outputs = {o['name']: o['uri'] for o in result.get('testActionOutput', []) if 'uri' in o}
    found = (0, 0, 0)
    try:
        found = cases(urllib.parse.unquote(urllib.parse.urlparse(outputs['test.xml']).path))
    except (KeyError, OSError, xml.etree.ElementTree.ParseError):
        pass
    bad = result.get('status') not in ('PASSED', 'FLAKY')
    if found == (0, 0, 0) or (bad and not found[1]):
        found = (found[0], found[1] + 1, found[2])
    return found


def count(events):
    """[passed, failed, skipped] of one run, and the tests that passed only when they were tried again.

    Of several attempts the last one counts, as it does for Bazel.
    """
    results, again, broken, exit_code = {}, set(), 0, None
    for event in map(json.loads, events):
        if 'testResult' in event:
            name = event['id']['testResult']
            attempt = name.get('attempt', 1)
            key = (name['label'], name.get('run', 1), name.get('shard', 1))
            if attempt >= results.get(key, (0, None))[0]:
                results[key] = (attempt, event['testResult'])
        elif event.get('testSummary', {}).get('overallStatus') == 'FLAKY':
            again.add(event['id']['testSummary']['label'])
        elif 'targetCompleted' in event['id'] and not event.get('completed', {}).get('success'):
            broken += 1
        elif 'finished' in event:
            exit_code = event['finished'].get('exitCode', {}).get('name')
    totals = [sum(column) for column in zip((0, broken, 0), *(result_cases(r) for _, r in results.values()))]
    if exit_code != 'SUCCESS' and not totals[1]:
        totals[1] = 1
    return totals, again


def main(paths):
    totals = [0, 0, 0]
    for path in paths:
        found, again = [0, 1, 0], set()
        if os.path.exists(path):
            with open(path) as events:
                found, again = count(events)
        for label in sorted(again):
            print('%s passed, but not at the first attempt' % label)
        print('%-10s %5d passed, %d failed, %d skipped' % (os.path.basename(path).split('.')[0], *found))
        totals = [a + b for a, b in zip(totals, found)]
    print('%d passed, %d failed%s' % (totals[0], totals[1], ', %d skipped' % totals[2] if totals[2] else ''))
    return 1 if totals[1] or not totals[0] else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))

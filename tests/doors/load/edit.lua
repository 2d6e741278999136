-- Small edits.
wrk.method = 'POST'
wrk.path = '/v1/apply'
wrk.body = '{"code":"def a():\\n    return 1\\n","edit":"def a():\\n    return 2\\n","language":"python"}'

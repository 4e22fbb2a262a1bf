"""What requests and httpx see through the gateway: one line of JSON for each step."""
import json, os, sys
import httpx, requests

base, ca, token = (os.environ[name] for name in ('BASE', 'CA', 'TOKEN'))
headers = {'Authorization': f'Bearer {token}', 'Sallyport-Resource': 'api'}


def show(name, value):
    print(json.dumps([name, value]), flush=True)


with requests.Session() as session:
    session.verify, session.headers = ca, {**session.headers, **headers}
    answer = session.get(f'{base}/echo', params={'a': 'é b'})
    show('requests get', [answer.status_code, answer.json()['url']])
    answer = session.post(f'{base}/echo', json={'x': 1})
    show('requests json', [answer.status_code, answer.json()['body']])
    answer = session.post(f'{base}/echo', data=(part for part in [b'a', b'b']))
    show('requests chunked', [answer.status_code, answer.json()['body']])
    answer = session.get(f'{base}/closed')
    show('requests denied', [answer.status_code, answer.json()['code']])
    answer = session.get(f'{base}/home')
    show('requests redirect', [answer.status_code, answer.url.removeprefix(base)])
    answer = session.get(f'{base}/events', stream=True)
    show('requests events', sum(line.startswith(b'data:') for line in answer.iter_lines()))

with httpx.Client(verify=ca, headers=headers, auth=None) as client:
    answer = client.get(f'{base}/customers')
    show('httpx get', [answer.status_code, answer.json()[0]['id']])
    answer = client.post(f'{base}/echo', content=iter([b'a', b'b']))
    show('httpx chunked', [answer.status_code, answer.json()['body']])
    with client.stream('GET', f'{base}/events') as answer:
        show('httpx events', sum(line.startswith('data:') for line in answer.iter_lines()))
sys.exit(0)

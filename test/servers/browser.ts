// What a browser does that matters to signing in: it keeps cookies by host, sends them back, says which site asked,
// and follows redirects when told to. No script runs.
import { readFileSync } from 'node:fs'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'

export interface Page {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
  /** Where a redirect leads, absolute. */
  readonly location: string | undefined
}

export interface Ask {
  readonly method?: string
  readonly form?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  /** What a browser would say of who asked: `none` is the person, in the address bar. */
  readonly site?: 'same-origin' | 'cross-site' | 'none'
}

export class Browser {
  readonly cookies = new Map<string, Map<string, string>>()
  readonly #ca: string

  constructor(ca: string) {
    this.#ca = ca
  }

  /** Asks once. */
  ask(address: string, { method, form, headers, site = 'none' }: Ask = {}): Promise<Page> {
    const url = new URL(address)
    const body = form === undefined ? undefined : new URLSearchParams(form).toString()
    const jar = this.cookies.get(url.host) ?? new Map<string, string>()
    this.cookies.set(url.host, jar)
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const options = {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      agent: false,
      headers: {
        accept: 'text/html',
        'sec-fetch-site': site,
        ...(cookie === '' ? {} : { cookie }),
        // Pages without a referrer: their forms come from an origin without a name.
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/x-www-form-urlencoded', origin: 'null' }),
        ...headers,
      },
    }
    return new Promise((resolve, reject) => {
      const take = (response: IncomingMessage) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', piece => {
          text += piece
        })
        response.on('end', () => {
          for (const line of response.headers['set-cookie'] ?? []) keep(jar, line)
          const { location } = response.headers
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            location: location === undefined ? undefined : new URL(location, url).href,
          })
        })
      }
      const asked =
        url.protocol === 'https:'
          ? httpsRequest(url, { ...options, ca: readFileSync(this.#ca) }, take)
          : httpRequest(url, options, take)
      asked.on('error', reject)
      asked.end(body)
    })
  }

  /** Asks, and goes where it is sent, until `until` says stop or nothing sends it on. */
  async go(address: string, until: (address: string) => boolean = () => false): Promise<Page> {
    let page = await this.ask(address)
    for (let hops = 0; hops < 10 && page.location !== undefined && !until(page.location); hops += 1)
      page = await this.ask(page.location, { site: 'cross-site' })
    return page
  }

  cookie(host: string, name: string): string | undefined {
    return this.cookies.get(host)?.get(name)
  }
}

function keep(jar: Map<string, string>, line: string): void {
  const [pair = '', ...attributes] = line.split(';').map(part => part.trim())
  const name = pair.slice(0, pair.indexOf('='))
  const over = attributes.some(each => /^(max-age=0|expires=.*1970.*)$/i.test(each))
  if (over) jar.delete(name)
  else jar.set(name, pair.slice(name.length + 1))
}

// What surrounds every page: where one can go, who one is, whether what is shown is of this moment.
import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { paths } from '#contract'
import { useLiveState } from '../data/live.ts'
import { signsOut } from '../data/sign-in.ts'
import { useWho } from '../data/who.ts'
import { Failure, Key, Mark, Verbatim } from '../ui/parts.tsx'
import { type Place, placesOf } from './places.ts'
import { applyTheme, type Theme, theme } from './theme.ts'

export function Shell() {
  const who = useWho()
  const [help, setHelp] = useState(false)
  const shown = placesOf(who.data?.rights ?? [])
  useKeys(shown, () => setHelp(true))
  useArrival(shown)
  if (who.error) return <Failure error={who.error} again={() => void who.refetch()} />
  if (who.data === undefined) return null
  return (
    <div className="h-dvh flex flex-col">
      <a className="sr-only focus:not-sr-only" href="#main">
        to the content
      </a>
      <header className="flex flex-wrap items-center gap-x-4 gap-y-1 border-b border-line px-4 py-1.5">
        <span className="font-semibold">Sallyport</span>
        {/* One line that scrolls where there is no room: a phone's screen is for what is on the page. */}
        <nav
          aria-label="places"
          className="flex gap-1 max-sm:order-last max-sm:-mx-4 max-sm:w-dvw max-sm:overflow-x-auto max-sm:px-2 sm:flex-wrap"
        >
          {shown.map(({ to, label, key }) => (
            <Link
              key={to}
              to={to}
              className="px-2 py-1 no-underline text-soft whitespace-nowrap hover:text-ink"
              activeProps={{
                className: 'text-ink underline underline-offset-4',
                'aria-current': 'page',
              }}
              title={`g ${key}`}
            >
              {label}
            </Link>
          ))}
        </nav>
        <span className="ml-auto flex items-center gap-3">
          <Live />
          <ThemeChoice />
          <span className="max-sm:hidden text-soft">
            <Verbatim text={who.data.id} />
          </span>
          <form method="post" action={paths.signOut} onSubmit={signsOut}>
            <button type="submit" className="text-soft underline decoration-dotted">
              sign out
            </button>
          </form>
        </span>
      </header>
      <main id="main" tabIndex={-1} className="flex-1 min-h-0 flex flex-col outline-none">
        <Outlet />
      </main>
      {help && <Help places={shown} onClose={() => setHelp(false)} />}
    </div>
  )
}

function Live() {
  const state = useLiveState()
  if (state === 'live') {
    return (
      <Mark tone="live" glyph="●">
        live
      </Mark>
    )
  }
  return (
    <Mark tone={state === 'lost' ? 'denied' : 'plain'} glyph="○">
      {state === 'lost' ? 'not live: connecting again' : 'connecting'}
    </Mark>
  )
}

function ThemeChoice() {
  const [now, setNow] = useState<Theme>(theme)
  const next: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' }
  return (
    <button
      type="button"
      className="text-soft"
      title="theme"
      onClick={() => {
        applyTheme(next[now])
        setNow(next[now])
      }}
    >
      {now}
    </button>
  )
}

/** `g` then a letter goes places; `/` goes to the search of the page; `?` lists the keys. */
function useKeys(places: readonly Place[], onHelp: () => void): void {
  const navigate = useNavigate()
  const going = useRef(0)
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      if (isTyping(event) || event.metaKey || event.ctrlKey || event.altKey) return
      if (document.querySelector('dialog[open]') !== null) return
      if (event.key === '?') onHelp()
      else if (event.key === '/') {
        const search = document.querySelector<HTMLInputElement>('main input[type="search"]')
        search?.focus()
        search?.select()
        if (search !== null) event.preventDefault()
      } else if (LIST_KEYS.has(event.key) && isNowhere(event)) {
        // Nothing has the keyboard: the list of the page takes it.
        const list = document.querySelector<HTMLElement>('main [role="rowgroup"][tabindex]')
        list?.focus({ preventScroll: true })
        list?.dispatchEvent(new KeyboardEvent('keydown', { key: event.key, bubbles: true }))
      } else if (!event.repeat && Date.now() - going.current < 1_000) {
        going.current = 0
        const place = places.find(({ key }) => key === event.key)
        if (place === undefined) return
        // The letter has been used: on a request's page it would decide.
        event.stopImmediatePropagation()
        void navigate({ to: place.to })
      } else if (event.key === 'g') going.current = Date.now()
    }
    // Before any page hears of it.
    addEventListener('keydown', listen, true)
    return () => removeEventListener('keydown', listen, true)
  }, [navigate, places, onHelp])
}

const LIST_KEYS: ReadonlySet<string> = new Set(['j', 'k', 'Enter'])

function isNowhere({ target }: KeyboardEvent): boolean {
  return target === document.body || (target instanceof HTMLElement && target.id === 'main')
}

/** The editor of policies is a text of its own tree: its keys are letters, wherever they are heard. */
function isTyping(event: KeyboardEvent): boolean {
  const [at] = event.composedPath()
  return (
    at instanceof HTMLElement && (at.isContentEditable || at.matches('input, textarea, select'))
  )
}

/** Another place: the window is called after it, and the keyboard goes on in what is new, not in the link behind. */
function useArrival(places: readonly Place[]): void {
  const path = useRouterState({ select: ({ location }) => location.pathname })
  const before = useRef<string>(undefined)
  const label = places.find(({ to }) => path === to || path.startsWith(`${to}/`))?.label
  const many = places.length
  useEffect(() => {
    document.title = [path.split('/')[2], label, 'Sallyport'].filter(Boolean).join(' – ')
    // On a phone the places are a line that scrolls: the one where one is stands in it, also when more of them come.
    if (many === 0) return
    document
      .querySelector('nav[aria-label="places"] [aria-current="page"]')
      ?.scrollIntoView({ block: 'nearest', inline: 'center' })
  }, [path, label, many])
  useEffect(() => {
    if (before.current !== undefined && before.current !== path)
      document.querySelector<HTMLElement>('#main')?.focus({ preventScroll: true })
    before.current = path
  }, [path])
}

function Help({ places, onClose }: { places: readonly Place[]; onClose: () => void }) {
  return (
    <dialog
      aria-label="keys"
      ref={dialog => {
        if (dialog !== null && !dialog.open) dialog.showModal()
      }}
      onClose={onClose}
      className="m-auto border border-line bg-paper text-ink p-6"
    >
      <ul className="m-0 p-0 list-none">
        {places.map(({ key, label }) => (
          <li key={key} className="py-0.5">
            <Key>g</Key>
            <Key>{key}</Key> {label}
          </li>
        ))}
        <li className="py-0.5">
          <Key>j</Key>
          <Key>k</Key> down and up a list, <Key>Enter</Key> opens
        </li>
        <li className="py-0.5">
          <Key>/</Key> search, where a page has one
        </li>
        <li className="py-0.5">
          <Key>a</Key> approve, <Key>d</Key> deny, on a request
        </li>
        <li className="py-0.5">
          <Key>Esc</Key> closes this
        </li>
      </ul>
    </dialog>
  )
}

// Which address shows what. The address is the state: filters and moments stand in it.
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router'
import { whoQuery } from '../data/who.ts'
import { sessionSearch } from '../features/sessions/search.ts'
import { Failure } from '../ui/parts.tsx'
import { queries } from './queries.ts'
import { Shell } from './shell.tsx'

const root = createRootRoute({
  component: Shell,
  errorComponent: ({ error }) => <Failure error={error} />,
  notFoundComponent: () => <p className="p-4">There is no such page.</p>,
})

const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: async () => {
    // Why it is not known who looks, the page around says; to sign in they come back here.
    const who = await queries.fetchQuery(whoQuery).catch(() => undefined)
    if (who === undefined) return
    throw redirect({ to: who.rights?.includes('console:read') ? '/now' : '/requests' })
  },
})

const now = createRoute({
  getParentRoute: () => root,
  path: '/now',
  validateSearch: (search): { show?: 'denied' | 'held' | 'masked' } => {
    const { show } = search
    return show === 'denied' || show === 'held' || show === 'masked' ? { show } : {}
  },
  component: lazyRouteComponent(() => import('../features/now/now.tsx'), 'Now'),
})

const requests = createRoute({
  getParentRoute: () => root,
  path: '/requests',
  validateSearch: (search): { state?: string } =>
    typeof search['state'] === 'string' ? { state: search['state'] } : {},
  component: lazyRouteComponent(() => import('../features/requests/inbox.tsx'), 'Inbox'),
})

const askForTime = createRoute({
  getParentRoute: () => root,
  path: '/requests/ask',
  validateSearch: (search): { resource?: string } =>
    typeof search['resource'] === 'string' ? { resource: search['resource'] } : {},
  component: lazyRouteComponent(() => import('../features/requests/ask.tsx'), 'Ask'),
})

const request = createRoute({
  getParentRoute: () => root,
  path: '/requests/$id',
  component: lazyRouteComponent(() => import('../features/requests/request.tsx'), 'RequestPage'),
})

const sessions = createRoute({
  getParentRoute: () => root,
  path: '/sessions',
  validateSearch: sessionSearch,
  component: lazyRouteComponent(() => import('../features/sessions/list.tsx'), 'Sessions'),
})

const session = createRoute({
  getParentRoute: () => root,
  path: '/sessions/$id',
  validateSearch: (search): { at?: number } =>
    typeof search['at'] === 'number' ? { at: search['at'] } : {},
  component: lazyRouteComponent(() => import('../features/sessions/session.tsx'), 'SessionPage'),
})

const resources = createRoute({
  getParentRoute: () => root,
  path: '/resources',
  component: lazyRouteComponent(() => import('../features/resources/list.tsx'), 'Resources'),
})

const resource = createRoute({
  getParentRoute: () => root,
  path: '/resources/$name',
  component: lazyRouteComponent(() => import('../features/resources/resource.tsx'), 'ResourcePage'),
})

const grants = createRoute({
  getParentRoute: () => root,
  path: '/grants',
  validateSearch: (search): { ended?: true } => (search['ended'] === true ? { ended: true } : {}),
  component: lazyRouteComponent(() => import('../features/grants/list.tsx'), 'Grants'),
})

const grant = createRoute({
  getParentRoute: () => root,
  path: '/grants/$id',
  component: lazyRouteComponent(() => import('../features/grants/grant.tsx'), 'GrantPage'),
})

const giveGrant = createRoute({
  getParentRoute: () => root,
  path: '/grants/give',
  validateSearch: (search): { principal?: string; resource?: string } => ({
    ...(typeof search['principal'] === 'string' ? { principal: search['principal'] } : {}),
    ...(typeof search['resource'] === 'string' ? { resource: search['resource'] } : {}),
  }),
  component: lazyRouteComponent(() => import('../features/grants/give.tsx'), 'Give'),
})

const people = createRoute({
  getParentRoute: () => root,
  path: '/people',
  validateSearch: (search): { search?: string; kind?: 'user' | 'agent' } => ({
    ...(typeof search['search'] === 'string' ? { search: search['search'] } : {}),
    ...(search['kind'] === 'agent' || search['kind'] === 'user' ? { kind: search['kind'] } : {}),
  }),
  component: lazyRouteComponent(() => import('../features/people/list.tsx'), 'People'),
})

const person = createRoute({
  getParentRoute: () => root,
  path: '/people/one',
  validateSearch: (search): { id: string } => ({ id: String(search['id'] ?? '') }),
  component: lazyRouteComponent(() => import('../features/people/person.tsx'), 'PersonPage'),
})

const run = createRoute({
  getParentRoute: () => root,
  path: '/run',
  validateSearch: (search): { principal: string; run: string } => ({
    principal: String(search['principal'] ?? ''),
    run: String(search['run'] ?? ''),
  }),
  component: lazyRouteComponent(() => import('../features/runs/run.tsx'), 'RunPage'),
})

const evidence = createRoute({
  getParentRoute: () => root,
  path: '/evidence',
  validateSearch: (search): { kind?: string } =>
    typeof search['kind'] === 'string' ? { kind: search['kind'] } : {},
  component: lazyRouteComponent(() => import('../features/evidence/list.tsx'), 'Evidence'),
})

const entry = createRoute({
  getParentRoute: () => root,
  path: '/evidence/$seq',
  validateSearch: (search): { prove?: true } => (search['prove'] === true ? { prove: true } : {}),
  component: lazyRouteComponent(() => import('../features/evidence/entry.tsx'), 'EntryPage'),
})

const evidenceTree = createRoute({
  getParentRoute: () => root,
  path: '/evidence/tree',
  component: lazyRouteComponent(() => import('../features/evidence/tree-page.tsx'), 'TreePage'),
})

const why = createRoute({
  getParentRoute: () => root,
  path: '/why',
  validateSearch: (
    search,
  ): { resource?: string; principal?: string; kind?: 'user' | 'agent'; groups?: string } => ({
    ...(typeof search['resource'] === 'string' ? { resource: search['resource'] } : {}),
    ...(typeof search['principal'] === 'string' ? { principal: search['principal'] } : {}),
    ...(search['kind'] === 'agent' || search['kind'] === 'user' ? { kind: search['kind'] } : {}),
    ...(typeof search['groups'] === 'string' ? { groups: search['groups'] } : {}),
  }),
  component: lazyRouteComponent(() => import('../features/why/why.tsx'), 'Why'),
})

const panes = ['problems', 'cases', 'why', 'replay', 'save'] as const
const policies = createRoute({
  getParentRoute: () => root,
  path: '/policies',
  validateSearch: (search): { file?: string; pane?: (typeof panes)[number] } => {
    const pane = panes.find(each => each === search['pane'])
    return {
      ...(typeof search['file'] === 'string' ? { file: search['file'] } : {}),
      ...(pane === undefined ? {} : { pane }),
    }
  },
  component: lazyRouteComponent(() => import('../features/policies/page.tsx'), 'Policies'),
})

const policyHistory = createRoute({
  getParentRoute: () => root,
  path: '/policies/history',
  component: lazyRouteComponent(() => import('../features/policies/history.tsx'), 'PolicyHistory'),
})

const policyVersion = createRoute({
  getParentRoute: () => root,
  path: '/policies/history/$id',
  validateSearch: (search): { against?: number } =>
    Number.isSafeInteger(search['against']) ? { against: Number(search['against']) } : {},
  component: lazyRouteComponent(
    () => import('../features/policies/version.tsx'),
    'PolicyVersionPage',
  ),
})

const dataClasses = createRoute({
  getParentRoute: () => root,
  path: '/data-classes',
  component: lazyRouteComponent(
    () => import('../features/data-classes/data-classes.tsx'),
    'DataClasses',
  ),
})

const channels = createRoute({
  getParentRoute: () => root,
  path: '/channels',
  component: lazyRouteComponent(() => import('../features/channels/list.tsx'), 'Channels'),
})

const channel = createRoute({
  getParentRoute: () => root,
  path: '/channels/$name',
  component: lazyRouteComponent(() => import('../features/channels/channel.tsx'), 'ChannelPage'),
})

export const router = createRouter({
  routeTree: root.addChildren([
    home,
    now,
    requests,
    askForTime,
    request,
    sessions,
    session,
    resources,
    resource,
    grants,
    grant,
    giveGrant,
    people,
    person,
    run,
    evidence,
    evidenceTree,
    entry,
    why,
    policies,
    policyHistory,
    policyVersion,
    dataClasses,
    channels,
    channel,
  ]),
  defaultPreload: 'intent',
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}

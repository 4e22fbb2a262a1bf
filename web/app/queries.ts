import { QueryClient } from '@tanstack/react-query'
import { Refused } from '../data/gateway.ts'

/** What is known stays on the page while it is asked for anew; the live stream says when that is. */
export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      refetchOnWindowFocus: false,
      placeholderData: (before: unknown) => before,
      retry: (failures, error) => !(error instanceof Refused) && failures < 2,
    },
  },
})

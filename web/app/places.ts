// Where one can go: the order of the navigation, and the letter behind `g`.
export const places = [
  { to: '/requests', label: 'Requests', key: 'r' },
  { to: '/sessions', label: 'Sessions', key: 's' },
] as const

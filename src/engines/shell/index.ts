// Commands as a shell would read them: to explain, never to decide.
export { type Explanation, loadExplainer, MOST_TEXT } from './explain.ts'

import type { Page } from "./page.ts"
import { modelsPage } from "./pages/modelsPage.ts"
import { overviewPage } from "./pages/overviewPage.ts"
import { reviewPage } from "./pages/reviewPage.ts"
import { runsPage } from "./pages/runsPage.ts"
import { trainingDataPage } from "./pages/trainingDataPage.ts"
import { tryPage } from "./pages/tryPage.ts"
import { workersPage } from "./pages/workersPage.ts"

/** Every page in the order of the navigation, the one to begin with first; `name` is its address after the #. */
export const PAGES: ReadonlyArray<{
  readonly name: string
  readonly title: string
  readonly load: () => Promise<Page>
}> = [
  { name: "overview", title: "Overview", load: overviewPage },
  { name: "data", title: "Training data", load: trainingDataPage },
  { name: "review", title: "Review", load: reviewPage },
  { name: "runs", title: "Runs", load: runsPage },
  { name: "models", title: "Models", load: modelsPage },
  { name: "try", title: "Try it", load: tryPage },
  { name: "workers", title: "Workers", load: workersPage }
]

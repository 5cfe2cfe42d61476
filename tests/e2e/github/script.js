// Runs a script of actions/github-script as that action does, with a client that speaks to the server in GITHUB_API.
// The client knows the calls that our script makes, pages by the `Link` header, and throws for what is no success.
const { readFileSync } = require('node:fs');

const api = process.env.GITHUB_API;
const headers = { authorization: `Bearer ${process.env.TOKEN}`, 'content-type': 'application/json' };

async function call(method, address, body) {
  const answer = await fetch(address, { method, headers, body: body && JSON.stringify(body) });
  if (!answer.ok) {
    throw new Error(`${method} ${new URL(address).pathname}: ${answer.status} ${(await answer.json()).message}`);
  }
  return answer;
}

const at = ({ owner, repo }, path, query = {}) => `${api}/repos/${owner}/${repo}/${path}?${new URLSearchParams(query)}`;
const lists = {
  pulls: (p) => at(p, 'pulls', { state: p.state, head: p.head }),
  artifacts: (p) => at(p, `actions/runs/${p.run_id}/artifacts`),
  comments: (p) => at(p, `issues/${p.issue_number}/comments`),
};
const json = async (method, address, body) => ({ data: await (await call(method, address, body)).json() });

const github = {
  rest: {
    pulls: { list: lists.pulls },
    actions: {
      listWorkflowRunArtifacts: lists.artifacts,
      downloadArtifact: async (p) => {
        const address = at(p, `actions/artifacts/${p.artifact_id}/${p.archive_format}`);
        return { data: await (await call('GET', address)).arrayBuffer() };
      },
    },
    issues: {
      listComments: lists.comments,
      createComment: (p) => json('POST', at(p, `issues/${p.issue_number}/comments`), { body: p.body }),
      updateComment: (p) => json('PATCH', at(p, `issues/comments/${p.comment_id}`), { body: p.body }),
    },
  },
  paginate: async (list, parameters) => {
    const found = [];
    for (let next = list(parameters); next; ) {
      const page = await call('GET', next);
      const data = await page.json();
      found.push(...(Array.isArray(data) ? data : data.artifacts));
      next = page.headers.get('link')?.match(/<([^>]+)>; rel="next"/)?.[1];
    }
    return found;
  },
};
const core = { notice: (text) => console.log(`notice: ${text}`) };
const context = JSON.parse(process.env.CONTEXT);

const AsyncFunction = (async () => {}).constructor;
new AsyncFunction('github', 'context', 'core', 'require', readFileSync(process.argv[2], 'utf8'))(
  github, context, core, require,
).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});

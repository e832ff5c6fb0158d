// The client's half of a direct call as a table: [state][event] = [next state, what to do…]. The server's half is sfu/direct.py,
// which owns the epochs; here an event of another epoch than the present one never reaches the table. Data only, and plain JSON:
// the tests drive both halves against each other with this very file.

export const TRANSITIONS = {
  "server": {
    "start": ["trying", "open"]
  },
  "trying": {
    "start": ["trying", "close", "open"],
    "ready": ["trying", "say_ready"],
    "commit": ["direct", "show_direct", "pause_server"],
    "lost": ["server", "say_lost", "close"],
    "takeover": ["server", "close"],
    "end": ["server", "close"]
  },
  "direct": {
    "start": ["trying", "resume_server", "show_server", "close", "open"],
    "lost": ["returning", "say_lost", "resume_server", "show_server"],
    "takeover": ["returning", "resume_server", "show_server"],
    "end": ["server", "resume_server", "show_server", "close"]
  },
  "returning": {
    "start": ["trying", "close", "open"],
    "taken": ["server", "say_taken", "close"],
    "end": ["server", "close"]
  }
};

/** The next state and what to do; an event that means nothing here changes nothing. */
export function step(state, event) {
  const [next, ...actions] = TRANSITIONS[state][event] ?? [state];
  return { next, actions };
}

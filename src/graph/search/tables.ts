/**
 * A step of the owner `graph`: the full-text index over the current contents. It lags behind the graph on purpose and
 * holds nothing that the versions do not say: emptied and with `indexed_seq` at 0, it is made anew by the next search.
 */
export const SEARCH_TABLES = `
-- Words that are cut and folded already (tokens.ts), one space between them, so that FTS5 has nothing to decide: 'ascii'
-- splits at the spaces and takes every other character above 127 as it is. The prefix index is for the first two letters
-- that are typed: without it FTS5 joins the lists of all words that begin so, which takes longer than reading everything.
CREATE VIRTUAL TABLE entity_search USING fts5 (
  name,                    -- words of content.name; rowid is entity.key
  body,                    -- words of every other text and number in the content
  type,                    -- entity.entity_type, which does not change while there is a content: a filter, never searched
  content = '',
  contentless_delete = 1,
  prefix = '1 2',
  tokenize = 'ascii'
);
-- A leaf that fits into one page of the file, and no merging inside of writes: the hub does it in slices of its own, once
-- sixteen pieces of a size have gathered. At four, the least, a changed entity would be written again and again.
INSERT INTO entity_search (entity_search, rank) VALUES ('pgsz', 1950);
INSERT INTO entity_search (entity_search, rank) VALUES ('automerge', 0);
INSERT INTO entity_search (entity_search, rank) VALUES ('usermerge', 16);
INSERT INTO entity_search (entity_search, rank) VALUES ('crisismerge', 1900);

CREATE TABLE search_state (
  key         INTEGER PRIMARY KEY CHECK (key = 1),
  indexed_seq INTEGER NOT NULL,  -- versions up to here are in the index, or superseded by one that is
  format      TEXT NOT NULL      -- how words were cut and folded; the index is made anew when the program does it otherwise
) STRICT;
INSERT INTO search_state (key, indexed_seq, format) VALUES (1, 0, '');
`;

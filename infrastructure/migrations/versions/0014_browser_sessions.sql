-- The hash of the secret in a browser's cookie. A session has either that or refresh tokens.
ALTER TABLE auth.session ADD COLUMN browser bytea;
-- The table has a row for each device that is signed in, and no row has the column yet: the index is made in no time.
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX session_browser ON auth.session (browser) WHERE browser IS NOT NULL;

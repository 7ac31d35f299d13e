/* The command table: everything that can be typed. */

#include "cli/cmd_db.h"
#include "cli/cmd_derive.h"
#include "cli/cmd_diff.h"
#include "cli/cmd_graph.h"
#include "cli/cmd_mirror.h"
#include "cli/cmd_mount.h"
#include "cli/cmd_package.h"
#include "cli/cmd_publish.h"
#include "cli/cmd_pull.h"
#include "cli/cmd_search.h"
#include "cli/cmd_snapshot.h"
#include "cli/cmd_verify.h"
#include "cli/command.h"

static const struct option_def mirror_create_options[] = {
    {"arch", "A,B", "architectures (default: all that the archive has)"},
    {"source", NULL, "source packages too"},
    {"udeb", NULL, "the installer's udebs too"},
    {"keyring", "FILE", "keys that sign the archive; may be given again"},
    {"allow-unsigned", NULL, "trust the archive without a signature"},
    {"ca", "FILE", "certificate authorities to trust for https (PEM)"},
    {"cert", "FILE", "client certificate for https (PEM)"},
    {"key", "FILE", "its private key (PEM)"},
    {"indexes", "GLOB", "more files of Release; may be given again"},
    {"no-indexes", NULL, "only what --indexes says: no Translation-en"},
    {"pool", "HOW", "on-demand (default) or all: with every update"},
    {"fallback", "URL", "where else to look for files; may be given again"},
    {"filter", "QUERY", "show only the packages that match"},
    {"filter-with-deps", NULL, "and what they depend on"},
    {0},
};

static const struct option_def mirror_edit_options[] = {
    {"url", "URL", "the archive has moved"},
    {"suite", "SUITE", "mirror another suite from the next update on"},
    {"component", "A,B", "components; empty: all"},
    {"arch", "A,B", "architectures; empty: all"},
    {"source", NULL, "source packages too"},
    {"no-source", NULL, "no source packages"},
    {"udeb", NULL, "the installer's udebs too"},
    {"no-udeb", NULL, "no udebs"},
    {"keyring", "FILE", "keys that sign the archive, in place of the old"},
    {"allow-unsigned", NULL, "trust the archive without a signature"},
    {"no-allow-unsigned", NULL, "insist on a signature"},
    {"ca", "FILE", "certificate authorities to trust for https (PEM)"},
    {"cert", "FILE", "client certificate for https (PEM)"},
    {"key", "FILE", "its private key (PEM)"},
    {"indexes", "GLOB", "more files of Release; may be given again"},
    {"no-indexes", NULL, "only what --indexes says: no Translation-en"},
    {"pool", "HOW", "on-demand (default) or all: with every update"},
    {"fallback", "URL", "where else to look for files; may be given again"},
    {"no-fallback", NULL, "forget all fallbacks, before others are added"},
    {"filter", "QUERY", "show only the packages that match; empty: all"},
    {"filter-with-deps", NULL, "and what they depend on"},
    {"no-filter-with-deps", NULL, "without what they depend on"},
    {0},
};

static const struct option_def mirror_update_options[] = {
    {"force", NULL, "look at everything anew, even if Date went back"},
    {"ignore-valid-until", NULL, "take a Release that has expired"},
    {"jobs", "N", "fetches at once (default: 4)"},
    {"rate", "BYTES", "bytes per second at most; k, M and G are known"},
    {0},
};

static const struct option_def fetch_options[] = {
    {"arch", "A,B", "only these architectures"},
    {"dry-run", NULL, "only say what is missing"},
    {"no-indexes", NULL, "pool files only"},
    {"jobs", "N", "fetches at once (default: 4)"},
    {"rate", "BYTES", "bytes per second at most; k, M and G are known"},
    {0},
};

static const struct option_def search_options[] = {
    {"arch", "A,B", "only these architectures"},
    {"format", "TEXT", "print this of each, ${Field} and \\n in it"},
    {"with-deps", NULL, "what they depend on, too"},
    {0},
};

static const struct option_def package_search_options[] = {
    {"arch", "A,B", "only these architectures"},
    {"format", "TEXT", "print this of each, ${Field} and \\n in it"},
    {0},
};

static const struct option_def package_show_options[] = {
    {"arch", "A,B", "only these architectures"},
    {0},
};

static const struct option_def show_options[] = {
    {"packages", NULL, "print the packages, name_version_arch"},
    {0},
};

static const struct option_def verify_options[] = {
    {"arch", "A,B", "only these architectures"},
    {"recommends", NULL, "Recommends too"},
    {"suggests", NULL, "Suggests too"},
    {"build", NULL, "what source packages need to be built, too"},
    {"all-variants", NULL, "each alternative, though another one is met"},
    {"why", NULL, "print the packages that ask for it"},
    {0},
};

static const struct option_def pull_options[] = {
    {"arch", "A,B", "only these architectures (default: NAME's)"},
    {"all-matches", NULL, "not only the newest version that matches"},
    {"no-remove", NULL, "keep old versions"},
    {"no-deps", NULL, "only what the queries match"},
    {"recommends", NULL, "what is recommended too"},
    {"suggests", NULL, "what is suggested too"},
    {"dry-run", NULL, "only say what would change"},
    {0},
};

static const struct option_def drop_options[] = {
    {"force", NULL, "even if it is published"},
    {0},
};

static const struct option_def diff_options[] = {
    {"only-matching", NULL, "only packages that both have"},
    {"fields", NULL, "name the fields that differ"},
    {"arch", "A,B", "only these architectures"},
    {0},
};

static const struct option_def filter_options[] = {
    {"with-deps", NULL, "what the packages need, too"},
    {"arch", "A,B", "only these architectures"},
    {0},
};

static const struct option_def merge_options[] = {
    {"no-remove", NULL, "keep all versions of a package"},
    {"latest", NULL, "keep the newest version of a package"},
    {"arch", "A,B", "only these architectures"},
    {0},
};

static const struct option_def publish_options[] = {
    {"prefix", "P", "publish below this directory (default: the root)"},
    {"distribution", "D", "name below dists/ (default: the source's suite)"},
    {"component", "C,...", "one component for each source"},
    {"verbatim", NULL, "upstream's own Release and signature"},
    {"gpg-key", "KEY", "sign with this key; may be given again"},
    {"passphrase-file", "FILE", "its first line unlocks the key"},
    {"skip-signing", NULL, "do not sign"},
    {"origin", "TEXT", "Origin (default: the source's)"},
    {"label", "TEXT", "Label (default: the source's)"},
    {"suite", "TEXT", "Suite (default: the distribution)"},
    {"codename", "TEXT", "Codename (default: the distribution)"},
    {"description", "TEXT", "Description (default: the source's)"},
    {"version", "TEXT", "Version (default: the source's)"},
    {"not-automatic", NULL, "NotAutomatic: yes"},
    {"but-automatic-upgrades", NULL, "ButAutomaticUpgrades: yes"},
    {"valid-for", "DURATION", "Valid-Until this long after Date (7d, 12h)"},
    {"snapshots-url", "URL", "where apt --snapshot=ID looks (@SNAPSHOTID@)"},
    {"compress", "A,B", "forms of the indexes: gz (default), xz, zst"},
    {"arch", "A,B", "only these architectures"},
    {0},
};

static const struct option_def publish_switch_options[] = {
    {"prefix", "P", "the publication's prefix (default: the root)"},
    {"component", "C,...", "one component for each source"},
    {0},
};

static const struct option_def publish_update_options[] = {
    {"prefix", "P", "the publication's prefix (default: the root)"},
    {"force", NULL, "make a new Release though nothing has changed"},
    {0},
};

static const struct option_def publish_place_options[] = {
    {"prefix", "P", "the publication's prefix (default: the root)"},
    {0},
};

static const struct option_def db_check_options[] = {
    {"blobs", NULL, "the bytes of present files too"},
    {"repair", NULL, "make what is damaged again, or fetch it"},
    {0},
};

static const struct option_def db_cleanup_options[] = {
    {"dry-run", NULL, "only say what would be removed"},
    {"grace", "DURATION", "keep what was dropped less long ago"},
    {0},
};

static const struct option_def graph_options[] = {
    {"format", "FORMAT", "dot (default), or svg or png, drawn by graphviz"},
    {0},
};

static const struct option_def mount_options[] = {
    {"foreground", NULL, "stay in the foreground; also -f"},
    {"options", "OPTIONS", "mount options, with commas between; also -o"},
    {0},
};

#define ANY SIZE_MAX

const struct command commands[] = {
    {"mirror", "create", "NAME URL SUITE [COMPONENT...]",
	"Describe an archive to be mirrored (flat: SUITE ends in /)", 3, ANY,
	CMD_NO_STORE, mirror_create_options, cmd_mirror_create},
    {"mirror", "update", "NAME...", "Bring mirrors up to date", 1, ANY, 0,
	mirror_update_options, cmd_mirror_update},
    {"mirror", "fetch", "NAME [QUERY...]",
	"Make pool files of the newest state present", 1, ANY, 0, fetch_options,
	cmd_mirror_fetch},
    {"mirror", "list", "", "List the mirrors", 0, 0, CMD_READS, NULL,
	cmd_mirror_list},
    {"mirror", "show", "NAME", "Show a mirror and its newest state", 1, 1,
	CMD_READS, show_options, cmd_mirror_show},
    {"mirror", "search", "NAME [QUERY...]",
	"Print the packages of the newest state that match", 1, ANY, CMD_READS,
	search_options, cmd_mirror_search},
    {"mirror", "edit", "NAME", "Change what is mirrored", 1, 1, 0,
	mirror_edit_options, cmd_mirror_edit},
    {"mirror", "rename", "OLD NEW", "Rename a mirror", 2, 2, 0, NULL,
	cmd_mirror_rename},
    {"mirror", "drop", "NAME", "Forget a mirror; its snapshots stay", 1, 1, 0,
	drop_options, cmd_mirror_drop},
    {"snapshot", "create", "[NAME] from mirror M | NAME empty",
	"Freeze a mirror's newest state; without NAME under its Date", 2, 4,
	CMD_NO_STORE, NULL, cmd_snapshot_create},
    {"snapshot", "fetch", "NAME [QUERY...]",
	"Make pool files of a snapshot present", 1, ANY, 0, fetch_options,
	cmd_snapshot_fetch},
    {"snapshot", "list", "", "List the snapshots", 0, 0, CMD_READS, NULL,
	cmd_snapshot_list},
    {"snapshot", "show", "NAME", "Show a snapshot", 1, 1, CMD_READS,
	show_options, cmd_snapshot_show},
    {"snapshot", "verify", "NAME [SOURCE...]",
	"List dependencies that nothing meets", 1, ANY, CMD_READS,
	verify_options, cmd_snapshot_verify},
    {"snapshot", "diff", "A B",
	"Show what B has other than A; status 3 where they differ", 2, 2,
	CMD_READS, diff_options, cmd_snapshot_diff},
    {"snapshot", "filter", "SRC DST QUERY...",
	"Make a snapshot of some packages of another", 3, ANY, 0,
	filter_options, cmd_snapshot_filter},
    {"snapshot", "merge", "DST SRC...",
	"Merge snapshots into a new one; later ones win", 2, ANY, 0,
	merge_options, cmd_snapshot_merge},
    {"snapshot", "search", "NAME [QUERY...]",
	"Print the packages of a snapshot that match", 1, ANY, CMD_READS,
	search_options, cmd_snapshot_search},
    {"snapshot", "pull", "NAME SRC DST QUERY...",
	"Pull packages with what they need from SRC into NAME, as DST", 4, ANY,
	0, pull_options, cmd_snapshot_pull},
    {"snapshot", "rename", "OLD NEW", "Rename a snapshot", 2, 2, 0, NULL,
	cmd_snapshot_rename},
    {"snapshot", "drop", "NAME", "Drop a snapshot", 1, 1, 0, drop_options,
	cmd_snapshot_drop},
    {"publish", "snapshot", "NAME...", "Publish one or several snapshots", 1,
	ANY, 0, publish_options, cmd_publish_snapshot},
    {"publish", "mirror", "NAME...",
	"Publish mirrors; the publication follows their updates", 1, ANY, 0,
	publish_options, cmd_publish_mirror},
    {"publish", "switch", "DISTRIBUTION NAME...",
	"Let a publication show other snapshots or mirrors", 2, ANY, 0,
	publish_switch_options, cmd_publish_switch},
    {"publish", "update", "DISTRIBUTION",
	"Publish anew what has changed, and renew Valid-Until", 1, 1, 0,
	publish_update_options, cmd_publish_update},
    {"publish", "list", "", "List the publications", 0, 0, CMD_READS, NULL,
	cmd_publish_list},
    {"publish", "show", "DISTRIBUTION", "Show a publication", 1, 1, CMD_READS,
	publish_place_options, cmd_publish_show},
    {"publish", "drop", "DISTRIBUTION", "Take a publication away", 1, 1, 0,
	publish_place_options, cmd_publish_drop},
    {"package", "search", "QUERY...",
	"Print the packages that match, wherever they are", 1, ANY, CMD_READS,
	package_search_options, cmd_package_search},
    {"package", "show", "QUERY...",
	"Show packages: stanza, where they are, files", 1, ANY, CMD_READS,
	package_show_options, cmd_package_show},
    {"graph", NULL, "", "Print what is made of what as a graph", 0, 0,
	CMD_READS, graph_options, cmd_graph},
    {"db", "check", "", "Check the store for damage", 0, 0, CMD_NO_STORE,
	db_check_options, cmd_db_check},
    {"db", "cleanup", "", "Remove what nothing needs any more", 0, 0, 0,
	db_cleanup_options, cmd_db_cleanup},
    {"db", "stats", "", "Show what takes how much room", 0, 0, CMD_READS, NULL,
	cmd_db_stats},
    {"db", "backup", "FILE", "Copy the database to a file", 1, 1, CMD_READS,
	NULL, cmd_db_backup},
    {"mount", NULL, "MOUNTPOINT", "Mount the published tree", 1, 1,
	CMD_NO_STORE | CMD_STAYS, mount_options, cmd_mount},
    {0},
};

const struct command mount_helper = {"mount.suitefs", NULL,
    "STORE MOUNTPOINT [-o OPTIONS]", "Mount the published tree", 2, 2,
    CMD_NO_STORE, mount_options, cmd_mount_helper};

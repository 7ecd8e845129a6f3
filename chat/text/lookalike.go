package text

// lookalikes maps a letter, after case folding and without marks, to the one
// that it looks like in common fonts. Where capital and small letter look
// different it goes by the capital, since that is what the two share with
// Latin exactly: Greek ν is n, for its capital is N. It is a choice out of Unicode's
// confusables (UTS 39), of scripts in which a whole name can be written that looks Latin.
// Scripts written from right to left are not among them.
var lookalikes = pairs(
	// Latin
	"iıɩǀ", "llll",
	"ɑɡʀꜱᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘᴛᴜᴠᴡʏᴢĸ", "agrsabcdefghljklmnoptuvwyzk",
	// Cyrillic
	"авегкмнорстухѕіјһӏԁԛԝүѵԍьзб", "aberkmhopctyxsljhldqwyvgb36",
	// Greek
	"αβεζηικμνορτυχϳϝϻ", "abezhlkmnoptyxjfm",
	// Armenian
	"օսոհցզյլտք", "ounhgqjlsf",
	// Cherokee, whose letters fold to capitals
	"ᎠᎡᎢᎥᎩᎪᎫᎬᎳᎷᎻᎽᏀᏃᏎᏏᏒᏔᏕᏙᏚᏞᏟᏢᏦᏧᏳᏴ", "drtlyajewmhygz4brwsvslcpkdgb",
	// Lisu
	"ꓐꓑꓒꓓꓔꓖꓗꓙꓚꓜꓝꓟꓠꓡꓢꓣꓦꓧꓪꓫꓬꓮꓰꓲꓳꓴ", "bpddtgkjczfmnlsrvhwxyaelou",
	// Coptic
	"ⲁⲃⲉⲍⲏⲓⲕⲙⲛⲟⲣⲥⲧⲩⲭ", "abezhlkmnopctyx",
	// Chinese, Japanese and Korean: strokes, and kana that look like characters
	"丨", "l",
	"エカニハロトタへヘノー", "工力二八口卜夕八八丿一",
)

// pairs maps each character of from to the one at its place in to; from and to
// alternate.
func pairs(fromTo ...string) map[rune]rune {
	m := make(map[rune]rune)
	for i := 0; i < len(fromTo); i += 2 {
		to := []rune(fromTo[i+1])
		for j, r := range []rune(fromTo[i]) {
			m[r] = to[j]
		}
	}
	return m
}

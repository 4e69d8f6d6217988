package route53

// continents are the continents of geolocations, with their countries: codes of ISO 3166-1
// and names, each pair followed by a semicolon.
var continents = []struct{ code, name, countries string }{
	{"AF", "Africa",
		"AO=Angola;BF=Burkina Faso;BI=Burundi;BJ=Benin;BW=Botswana;CD=Congo (Dem. Rep.);CF=Central African Rep.;CG=Congo (Rep.);" +
			"CI=Côte d'Ivoire;CM=Cameroon;CV=Cape Verde;DJ=Djibouti;DZ=Algeria;EG=Egypt;EH=Western Sahara;ER=Eritrea;ET=Ethiopia;" +
			"GA=Gabon;GH=Ghana;GM=Gambia;GN=Guinea;GQ=Equatorial Guinea;GW=Guinea-Bissau;KE=Kenya;KM=Comoros;LR=Liberia;LS=Lesotho;" +
			"LY=Libya;MA=Morocco;MG=Madagascar;ML=Mali;MR=Mauritania;MU=Mauritius;MW=Malawi;MZ=Mozambique;NA=Namibia;NE=Niger;" +
			"NG=Nigeria;RE=Réunion;RW=Rwanda;SC=Seychelles;SD=Sudan;SH=St Helena;SL=Sierra Leone;SN=Senegal;SO=Somalia;SS=South Sudan;" +
			"ST=Sao Tome & Principe;SZ=Eswatini (Swaziland);TD=Chad;TG=Togo;TN=Tunisia;TZ=Tanzania;UG=Uganda;YT=Mayotte;" +
			"ZA=South Africa;ZM=Zambia;ZW=Zimbabwe;"},
	{"AN", "Antarctica",
		"AQ=Antarctica;BV=Bouvet Island;GS=South Georgia & the South Sandwich Islands;HM=Heard Island & McDonald Islands;" +
			"TF=French S. Terr.;"},
	{"AS", "Asia",
		"AE=United Arab Emirates;AF=Afghanistan;AM=Armenia;AZ=Azerbaijan;BD=Bangladesh;BH=Bahrain;BN=Brunei;BT=Bhutan;CN=China;" +
			"CY=Cyprus;GE=Georgia;HK=Hong Kong;ID=Indonesia;IL=Israel;IN=India;IO=British Indian Ocean Territory;IQ=Iraq;IR=Iran;" +
			"JO=Jordan;JP=Japan;KG=Kyrgyzstan;KH=Cambodia;KP=Korea (North);KR=Korea (South);KW=Kuwait;KZ=Kazakhstan;LA=Laos;" +
			"LB=Lebanon;LK=Sri Lanka;MM=Myanmar (Burma);MN=Mongolia;MO=Macau;MV=Maldives;MY=Malaysia;NP=Nepal;OM=Oman;PH=Philippines;" +
			"PK=Pakistan;PS=Palestine;QA=Qatar;SA=Saudi Arabia;SG=Singapore;SY=Syria;TH=Thailand;TJ=Tajikistan;TL=East Timor;" +
			"TM=Turkmenistan;TR=Turkey;TW=Taiwan;UZ=Uzbekistan;VN=Vietnam;YE=Yemen;"},
	{"EU", "Europe",
		"AD=Andorra;AL=Albania;AT=Austria;AX=Åland Islands;BA=Bosnia & Herzegovina;BE=Belgium;BG=Bulgaria;BY=Belarus;" +
			"CH=Switzerland;CZ=Czech Republic;DE=Germany;DK=Denmark;EE=Estonia;ES=Spain;FI=Finland;FO=Faroe Islands;FR=France;" +
			"GB=Britain (UK);GG=Guernsey;GI=Gibraltar;GR=Greece;HR=Croatia;HU=Hungary;IE=Ireland;IM=Isle of Man;IS=Iceland;IT=Italy;" +
			"JE=Jersey;LI=Liechtenstein;LT=Lithuania;LU=Luxembourg;LV=Latvia;MC=Monaco;MD=Moldova;ME=Montenegro;MK=North Macedonia;" +
			"MT=Malta;NL=Netherlands;NO=Norway;PL=Poland;PT=Portugal;RO=Romania;RS=Serbia;RU=Russia;SE=Sweden;SI=Slovenia;" +
			"SJ=Svalbard & Jan Mayen;SK=Slovakia;SM=San Marino;UA=Ukraine;VA=Vatican City;"},
	{"NA", "North America",
		"AG=Antigua & Barbuda;AI=Anguilla;AW=Aruba;BB=Barbados;BL=St Barthelemy;BM=Bermuda;BQ=Caribbean NL;BS=Bahamas;BZ=Belize;" +
			"CA=Canada;CR=Costa Rica;CU=Cuba;CW=Curaçao;DM=Dominica;DO=Dominican Republic;GD=Grenada;GL=Greenland;GP=Guadeloupe;" +
			"GT=Guatemala;HN=Honduras;HT=Haiti;JM=Jamaica;KN=St Kitts & Nevis;KY=Cayman Islands;LC=St Lucia;MF=St Martin (French);" +
			"MQ=Martinique;MS=Montserrat;MX=Mexico;NI=Nicaragua;PA=Panama;PM=St Pierre & Miquelon;PR=Puerto Rico;SV=El Salvador;" +
			"SX=St Maarten (Dutch);TC=Turks & Caicos Is;TT=Trinidad & Tobago;US=United States;VC=St Vincent;VG=Virgin Islands (UK);" +
			"VI=Virgin Islands (US);"},
	{"OC", "Oceania",
		"AS=Samoa (American);AU=Australia;CC=Cocos (Keeling) Islands;CK=Cook Islands;CX=Christmas Island;FJ=Fiji;FM=Micronesia;" +
			"GU=Guam;KI=Kiribati;MH=Marshall Islands;MP=Northern Mariana Islands;NC=New Caledonia;NF=Norfolk Island;NR=Nauru;NU=Niue;" +
			"NZ=New Zealand;PF=French Polynesia;PG=Papua New Guinea;PN=Pitcairn;PW=Palau;SB=Solomon Islands;TK=Tokelau;TO=Tonga;" +
			"TV=Tuvalu;UM=US minor outlying islands;VU=Vanuatu;WF=Wallis & Futuna;WS=Samoa (western);"},
	{"SA", "South America",
		"AR=Argentina;BO=Bolivia;BR=Brazil;CL=Chile;CO=Colombia;EC=Ecuador;FK=Falkland Islands;GF=French Guiana;GY=Guyana;PE=Peru;" +
			"PY=Paraguay;SR=Suriname;UY=Uruguay;VE=Venezuela;"},
}

// subdivisions are those of countries that have them: codes of ISO 3166-2.
var subdivisions = map[string]string{
	"US": "AK=Alaska;AL=Alabama;AR=Arkansas;AZ=Arizona;CA=California;CO=Colorado;CT=Connecticut;DC=District of Columbia;DE=Delaware;" +
		"FL=Florida;GA=Georgia;HI=Hawaii;IA=Iowa;ID=Idaho;IL=Illinois;IN=Indiana;KS=Kansas;KY=Kentucky;LA=Louisiana;" +
		"MA=Massachusetts;MD=Maryland;ME=Maine;MI=Michigan;MN=Minnesota;MO=Missouri;MS=Mississippi;MT=Montana;NC=North Carolina;" +
		"ND=North Dakota;NE=Nebraska;NH=New Hampshire;NJ=New Jersey;NM=New Mexico;NV=Nevada;NY=New York;OH=Ohio;OK=Oklahoma;" +
		"OR=Oregon;PA=Pennsylvania;RI=Rhode Island;SC=South Carolina;SD=South Dakota;TN=Tennessee;TX=Texas;UT=Utah;VA=Virginia;" +
		"VT=Vermont;WA=Washington;WI=Wisconsin;WV=West Virginia;WY=Wyoming;",
	"UA": "05=Vinnytska oblast;07=Volynska oblast;09=Luhanska oblast;12=Dnipropetrovska oblast;14=Donetska oblast;" +
		"18=Zhytomyrska oblast;21=Zakarpatska oblast;23=Zaporizka oblast;26=Ivano-Frankivska oblast;30=Kyiv;32=Kyivska oblast;" +
		"35=Kirovohradska oblast;40=Sevastopol;43=Crimea;46=Lvivska oblast;48=Mykolaivska oblast;51=Odeska oblast;" +
		"53=Poltavska oblast;56=Rivnenska oblast;59=Sumska oblast;61=Ternopilska oblast;63=Kharkivska oblast;65=Khersonska oblast;" +
		"68=Khmelnytska oblast;71=Cherkaska oblast;74=Chernihivska oblast;77=Chernivetska oblast;",
}

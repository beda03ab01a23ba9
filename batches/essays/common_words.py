"""First and last names that are also words of English: in small letters they stay as the pupil wrote them."""

COMMON_WORDS = frozenset(
    """
    abbot able ace alma amber angel angle april archer art ash aster august autumn bailey baker banks barber
    barker baron bass bay bean beau bell berry best bill bird bishop black blessing bliss block bloom blossom
    blue bond bone book booker booth born bow bowl bowman boy branch brand bridge bridges bright brook brooks
    brown buck bud bush butcher butler cane canon carpenter carter case cash chad champion chance charity chase
    chip christian church clark clay clement close cloud coal coin cole colt con constant cook cooper copper
    coral corn cotton court crane crisp cross crystal curt dale dames dance dawn day dean dell destiny dick dove
    down drake drew drummer duke dusty dyer earl early east easter ebony eden ember english eve ever fair faith
    farmer farrow favour field fisher flint flora flower ford forest foster fountain fox frank freedom french
    frost gale gamble game gardener gate gay gene gentle gift gill ginger glass glen glory gold golden good
    grace grand grant graves gray green grey grove guy hall hammer hand happy hardy harmony harper hart haven
    hawk hay hazel heart heath heather heaven henna herb hill holiday holly honey honour hood hook hope horn
    house hunt hunter hurst ice iris iron ivory ivy jack jade jasmine jay jet jewel job john joiner jolly josh
    journey joy judge june just justice kay keen king kit knight lacy lake lamb lane lark law leader lee light
    lighter lily lion little lock london long lord love loving low luck lucky lush lynch major mark marsh
    marshal martin mason mat may meadow melody mercy merit merry mew miles mill miller mine miner mint misty
    monk moon moor more morning moss mount mountain music myrtle nail nick nightingale noble noon norm north oak
    ocean olive orange page paint painter paris park parson patience peace peak pearl peel penny pepper percy
    perry petal pike pine pitt pleasant plum pond pool poppy porter potter pound power precious price pride
    prince princess prosper providence prudence purchase queen quest quick rain rainbow ran ray red reed reef
    rich ridge ring river rivers rob robin rock rocky roman rose rosemary round rowan royal ruby rush rust rusty
    sage sailor sandy satin savage savannah sawyer scarlet season see self serene shade sharp shaw shell
    shepherd short silver sky skye slaughter small smart smith snow song south speaker spear spencer spring star
    steel stem stone storm street strong summer summers sun sunny swan sweet sydney tailor tanner taylor temple
    terry thorn tide tiger tim toby tom tony towers town tracy trip true trust tucker turner unity vale van
    verity victor victory vine viola violet virtue wade walker wall wallace ward warden warner waters weaver
    webb weeks well wells west wheeler whit white wild wilder will willow win winner winter wise wish wolf
    wonder wood woods words worth wren wright young zest
    """.split()  # noqa: SIM905
)

# Parts of names that mean nothing by themselves.
PARTICLES = frozenset(
    """
    al ap bin bint da dal das de del della den der des di dos du el fitz het ibn la las le lo los mac mc of san
    st ter the und van ver vom von y zu zur
    """.split()  # noqa: SIM905
)
